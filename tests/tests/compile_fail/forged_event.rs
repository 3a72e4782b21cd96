//! An event that no verifier made.

use kinde_core::SignedEvent;
use kinde_webhook::Event;

fn main() {}

fn forge_from_what_was_signed(signed: SignedEvent) -> Event {
    Event::new(signed)
}

fn forge_a_default() -> Event {
    Event::default()
}

fn change_an_event(event: &mut Event) {
    event.signed = event.clone().signed;
}
