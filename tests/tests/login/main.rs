//! People sign in and out in a browser: the whole way over real HTTP, with the emulator as Kinde.

mod beside_a_header;
mod breaker;
mod callback;
mod canary;
#[path = "../story/capture.rs"]
mod capture;
mod claims;
mod client_alone;
mod cookie_domain;
mod elsewhere;
mod fleet;
mod forms;
mod half_written;
mod hasura;
mod hostile;
mod instances;
mod late_answers;
mod lifetimes;
mod lockout;
mod machine;
mod mistakes;
mod neighbours;
mod nginx;
mod organization;
mod outages;
mod race;
mod readiness;
mod refresh;
mod requests_to_kinde;
mod rolling;
mod round_trips;
mod sign_in;
mod slow_pages;
mod stores;
mod streaming;
mod token_facts;
