//! Sign-ins and token requests that go wrong.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::on_demand::WrongAnswer;

use super::{Details, Operation, Shared, done};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::act("refuse_next_sign_in", refuse_next_sign_in),
        Operation::act("show_error_at_next_sign_in", show_error_at_next_sign_in),
        Operation::act("fail_next_token_request", fail_next_token_request),
        Operation::ask("wrong_answers", wrong_answers),
        Operation::act("answer_wrongly", answer_wrongly),
        Operation::act("answer_rightly", answer_rightly),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    error: String,
    #[serde(default)]
    description: String,
}

async fn refuse_next_sign_in(State(provider): Shared, Details(refusal): Details<Refusal>) -> Json<Value> {
    provider.on_demand.refuse_sign_in(&refusal.error, &refusal.description);
    done()
}

async fn fail_next_token_request(State(provider): Shared, Details(refusal): Details<Refusal>) -> Json<Value> {
    provider.on_demand.fail_token_request(&refusal.error, &refusal.description);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    code: u16,
}

async fn show_error_at_next_sign_in(State(provider): Shared, Details(page): Details<Page>) -> Json<Value> {
    provider.on_demand.show_error(page.code);
    done()
}

async fn wrong_answers() -> Json<Value> {
    Json(json!({ "wrong_answers": WrongAnswer::ALL }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    wrong: WrongAnswer,
}

async fn answer_wrongly(State(provider): Shared, Details(wanted): Details<Wrong>) -> Json<Value> {
    provider.on_demand.answer_wrongly(wanted.wrong);
    done()
}

async fn answer_rightly(State(provider): Shared) -> Json<Value> {
    provider.on_demand.clear();
    done()
}
