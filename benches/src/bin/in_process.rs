//! Nanoseconds of thread time per request, in process: Kinde's layer, its peers, and the limits they stand beside.

use std::{collections::BTreeMap, future::Future, pin::Pin, process::ExitCode, time::Duration};

use http::{HeaderValue, Request, StatusCode};
use kinde_benches::{
    apps::{bare, hand_written, jwt_authorizer, oauth2_resource_server, ours},
    environment::{self, bearer},
    limit::Limit,
    measure::{median, nanos_per_request},
    report::{Bars, option},
};
use kinde_emulator::Environment;
use tower::Service;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(option("--rounds", 60)))
}

async fn run(rounds: usize) -> ExitCode {
    hand_written::install_crypto();
    let environment = environment::start();
    let rows = rows(&environment).await;
    let limit = Limit::of(&environment);
    let cases = cases(&environment, rounds + WARM_UP);
    println!("token: {} bytes; {rounds} rounds", environment::person(&environment).access_token().len());

    let mut readings: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    let mut limits: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for round in 0..rounds + WARM_UP {
        for (at_case, case) in cases.iter().enumerate() {
            let credentials = case.batch(round);
            let limit_reading = limit.nanos_per_verification(FIRST_SEEN_BATCH);
            for at_row in (0..rows.len()).map(|index| (index + round) % rows.len()) {
                let row = &rows[at_row];
                let runner = if case.is_expired { row.when_expired.as_ref() } else { None };
                let expected = match row {
                    Row { is_open: true, .. } => is_success,
                    Row { is_closed: true, .. } => is_refusal,
                    _ => case.expected,
                };
                hand_written::use_rust_crypto(row.is_rust_crypto);
                let reading = (runner.unwrap_or(&row.runner))(row.name, credentials, expected).await;
                if round >= WARM_UP {
                    readings.entry((at_row, at_case)).or_default().push(reading);
                }
            }
            if round >= WARM_UP {
                limits[at_case].push(limit_reading);
            }
        }
    }
    let limits: Vec<f64> = limits.iter().map(|readings| median(readings)).collect();
    let table: Vec<Vec<f64>> = (0..rows.len())
        .map(|row| (0..cases.len()).map(|case| median(&readings[&(row, case)])).collect())
        .collect();
    print_table(&rows, &cases, &limits, &table);
    judge(&rows, &cases, &limits, &table)
}

/// Compares with the bars. B is the bare handler for the same requests, R the verification in the same rounds.
fn judge(rows: &[Row], cases: &[Case], limits: &[f64], table: &[Vec<f64>]) -> ExitCode {
    let row = |name| rows.iter().position(|row| row.name == name).expect("the row is measured");
    let case = |name| cases.iter().position(|case| case.name == name).expect("the case is measured");
    let (ours, bare) = (row(OURS), row(BARE));
    let in_bare = |name| table[ours][case(name)] / table[bare][case(name)];
    let in_limit = |name| table[ours][case(name)] / limits[case(name)];
    let added = |name| (table[ours][case(name)] - table[bare][case(name)]) / limits[case(name)];
    let mut bars = Bars::new();
    println!();
    bars.at_most("repeated valid token", in_bare("repeated"), 2.5, "B");
    bars.at_most("first-seen valid token, added", added("first seen"), 1.40, "R");
    bars.at_most("missing header", in_bare("missing"), 1.4, "B");
    bars.at_most("garbage header", in_bare("bad header"), 2.2, "B");
    bars.at_most("garbage token", in_bare("garbage"), 2.2, "B");
    bars.at_most("unknown key ID inside the cooldown", in_bare("unknown kid"), 2.5, "B");
    bars.at_most("bad signature", in_limit("bad sig"), 1.30, "R");
    println!("{:<58} {:>9.2} B         (no bar)", "expired, remembered", in_bare("expired"));
    bars.exit_code()
}

fn print_table(rows: &[Row], cases: &[Case], limits: &[f64], table: &[Vec<f64>]) {
    let line = |name: &str, cells: &[f64]| {
        let cells: Vec<_> = cells.iter().map(|nanos| format!("{nanos:>11.0}")).collect();
        println!("{name:<50}{}", cells.join(""));
    };
    let names: Vec<_> = cases.iter().map(|case| format!("{:>11}", case.name)).collect();
    println!("{:<50}{}", "ns of thread time per request", names.join(""));
    line("R: one RS256-2048 verification, parsed key", limits);
    for (row, cells) in rows.iter().zip(table) {
        line(row.name, cells);
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = f64> + 'a>>;
type Runner = Box<dyn for<'a> Fn(&'a str, &'a [Option<HeaderValue>], fn(StatusCode) -> bool) -> Running<'a>>;

/// One application.
struct Row {
    name: &'static str,
    /// It lets everything through.
    is_open: bool,
    /// It lets nothing through.
    is_closed: bool,
    is_rust_crypto: bool,
    runner: Runner,
    /// Another instance for tokens that expired after they were remembered.
    when_expired: Option<Runner>,
}

impl Row {
    fn new(name: &'static str, runner: Runner) -> Self {
        Self { name, is_open: false, is_closed: false, is_rust_crypto: false, runner, when_expired: None }
    }
}

fn runner<S, B, R>(service: S, body: fn() -> B) -> Runner
where
    S: Service<Request<B>, Response = http::Response<R>> + Clone + 'static,
    S::Error: std::fmt::Debug,
    B: 'static,
    R: 'static,
{
    let service = std::rc::Rc::new(service);
    Box::new(move |name, credentials, expected| {
        let service = std::rc::Rc::clone(&service);
        Box::pin(async move { nanos_per_request(name, &*service, credentials, expected, body).await })
    })
}

async fn rows(environment: &Environment) -> Vec<Row> {
    let body = axum::body::Body::empty;
    let jwks = ours::patient_jwks(environment);
    jwks.warm_up().await.expect("the environment answers");
    let verifier = ours::verifier(jwks.clone());
    let build = |verifier: kinde_core::VerifierBuilder| verifier.build().expect("a verifier");
    let token = expired_token(environment);
    let saw_it_expire = ours::verifier_that_saw_it_expire(jwks, environment, &token, ISSUED_AGO).await;
    vec![
        Row { is_open: true, ..Row::new(BARE, runner(bare::bare(), body)) },
        Row {
            is_open: true,
            ..Row::new("floor: layer that only inserts an Arc", runner(bare::floor(), body))
        },
        Row {
            is_closed: true,
            ..Row::new("floor: layer that refuses at once", runner(bare::refusing(), body))
        },
        Row {
            when_expired: Some(runner(ours::app(saw_it_expire), body)),
            ..Row::new(OURS, runner(ours::app(build(verifier.clone())), body))
        },
        Row::new(
            "KindeLayer + AuthUser, memory always full",
            runner(ours::app(build(verifier.clone().with_memory_limit_bytes(64 * 1024))), body),
        ),
        Row::new(
            "KindeLayer + AuthUser, memory off",
            runner(ours::app(build(verifier.with_memory_limit_bytes(0))), body),
        ),
        Row::new("hand-written jsonwebtoken 11 (aws_lc_rs)", runner(hand_written::app(environment), body)),
        Row::new(
            "tower-oauth2-resource-server 0.12 (aws_lc_rs)",
            runner(oauth2_resource_server::app(environment).await, body),
        ),
        Row {
            is_rust_crypto: true,
            ..Row::new(
                "tower-oauth2-resource-server 0.12 (default)",
                runner(oauth2_resource_server::app(environment).await, body),
            )
        },
        Row {
            is_open: true,
            ..Row::new("bare axum 0.7 handler", runner(jwt_authorizer::bare(), jwt_authorizer::body))
        },
        Row::new("jwt-authorizer 0.15", runner(jwt_authorizer::app(environment).await, jwt_authorizer::body)),
    ]
}

/// One kind of request: what it presents in each round, and how a protected application must answer.
struct Case {
    name: &'static str,
    batches: Vec<Vec<Option<HeaderValue>>>,
    expected: fn(StatusCode) -> bool,
    is_expired: bool,
}

impl Case {
    fn same(
        name: &'static str,
        credentials: &[Option<HeaderValue>],
        expected: fn(StatusCode) -> bool,
    ) -> Self {
        let batch = credentials.iter().cycle().take(BATCH).cloned().collect();
        Self { name, batches: vec![batch], expected, is_expired: false }
    }

    fn batch(&self, round: usize) -> &[Option<HeaderValue>] {
        &self.batches[round % self.batches.len()]
    }
}

fn cases(environment: &Environment, rounds: usize) -> Vec<Case> {
    let person = environment::person(environment);
    let present = |token: String| Some(bearer(&token));
    let first_seen = environment::distinct_tokens(environment, rounds * FIRST_SEEN_BATCH);
    let first_seen: Vec<_> = first_seen.into_iter().map(present).collect();
    let unknown: Vec<_> = (0..BATCH).map(|_| present(person.wrong().random_kid())).collect();
    let tampered: Vec<_> = (0..20).map(|_| present(person.wrong().other_key())).collect();
    let garbage = present(format!("{}.{}.{}", "Zx9-".repeat(30), "qW7_".repeat(230), "kL3-".repeat(85)));
    let bad_header = Some(HeaderValue::from_static("Bearer two words"));
    let expired = present(expired_token(environment));
    vec![
        Case::same("repeated", &[present(person.access_token())], is_success),
        Case {
            name: "first seen",
            batches: first_seen.chunks(FIRST_SEEN_BATCH).map(<[_]>::to_vec).collect(),
            expected: is_success,
            is_expired: false,
        },
        Case { is_expired: true, ..Case::same("expired", &[expired], is_refusal) },
        Case::same("bad sig", &tampered, is_refusal),
        Case::same("unknown kid", &unknown, is_refusal),
        Case::same("garbage", &[garbage], is_refusal),
        Case::same("bad header", &[bad_header], is_refusal),
        Case::same("missing", &[None], is_refusal),
    ]
}

/// A token that is expired by the machine's clock, and is the same in every call.
fn expired_token(environment: &Environment) -> String {
    let mint = || {
        let issued_at = environment.now().saturating_sub(ISSUED_AGO.as_secs());
        environment::person(environment).issued_at(issued_at).access_token()
    };
    EXPIRED.get_or_init(mint).clone()
}

static EXPIRED: std::sync::OnceLock<String> = std::sync::OnceLock::new();

fn is_success(status: StatusCode) -> bool {
    status.is_success()
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
}

const BARE: &str = "B: bare axum handler";
const OURS: &str = "KindeLayer + AuthUser";
/// Longer than a token's life of one day.
const ISSUED_AGO: Duration = Duration::from_secs(3 * 86_400);
const WARM_UP: usize = 3;
const BATCH: usize = 200;
const FIRST_SEEN_BATCH: usize = 40;
