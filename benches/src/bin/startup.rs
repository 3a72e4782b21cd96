//! How soon the emulator answers: as a process, and inside this one.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::ExitCode,
    time::Instant,
};

use kinde_benches::{
    measure::quantile,
    program::{self, Program},
    report::{Bars, option},
};
use kinde_emulator::Environment;

fn main() -> ExitCode {
    let runs = option("--runs", 40);
    let program = program::build();
    let process: Vec<_> = (0..runs).map(|_| process_start(&program)).collect();
    let (started, answered): (Vec<_>, Vec<_>) = (0..runs).map(|_| in_process_start()).unzip();
    println!("milliseconds of wall time, {runs} runs          min   median      p90      max");
    let rows = [
        ("process start to first JWKS answer", &process),
        ("in-process start", &started),
        ("in-process start to first JWKS answer", &answered),
    ];
    for (name, readings) in rows {
        let [min, median, p90, max] = [0.0, 0.5, 0.9, 1.0].map(|share| quantile(readings, share));
        println!("{name:<42} {min:>7.2}  {median:>7.2}  {p90:>7.2}  {max:>7.2}");
    }
    let mut bars = Bars::new();
    println!();
    bars.at_most("process start to first JWKS answer, median", quantile(&process, 0.5), 50.0, "ms");
    bars.at_most("in-process start, median", quantile(&started, 0.5), 5.0, "ms");
    bars.exit_code()
}

fn process_start(path: &Path) -> f64 {
    let start = Instant::now();
    let program = Program::start(path);
    fetch(program.url());
    start.elapsed().as_secs_f64() * 1_000.0
}

fn in_process_start() -> (f64, f64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let start = Instant::now();
    let environment = runtime.block_on(Environment::start());
    let started = start.elapsed();
    fetch(environment.url());
    let answered = start.elapsed();
    (started.as_secs_f64() * 1_000.0, answered.as_secs_f64() * 1_000.0)
}

/// Asks for the key set over plain HTTP and reads the whole answer.
fn fetch(url: &str) {
    let address = url.strip_prefix("http://").expect("a loopback URL");
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "GET /.well-known/jwks HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"keys\""), "{answer}");
}
