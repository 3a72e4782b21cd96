//! Decides whether a form proves who somebody is.

use crate::{
    directory::{Directory, PersonRecord},
    fields::Fields,
    password::Password,
};

/// Why nobody is signed in yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotYet {
    /// The person has a password and did not say it.
    Password { problem: Option<&'static str> },
    /// The password is not theirs, or nobody has the address; nobody is told which.
    WrongPassword,
    /// What is wrong with the rest.
    Wrong(String),
}

/// Returns the id of the person the form names and proves to be; registering makes one where there is none.
///
/// The name is enough for whoever has no password, and so is the tile of whoever has one: the emulator is for tests,
/// and its world says which of its people have to be asked.
pub(crate) fn prove(
    directory: &mut Directory,
    form: &Fields,
    registers: bool,
    now: u64,
) -> Result<String, NotYet> {
    if let Some(chosen) = form.get("person").and_then(|id| directory.people.get(id)) {
        let is_asked = chosen.password.is_some() && !chosen.is_one_click;
        return if is_asked { Err(NotYet::Password { problem: None }) } else { Ok(chosen.id.clone()) };
    }
    let name =
        form.get("p_email").or_else(|| form.get("person")).map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| NotYet::Wrong("Choose a person or enter an e-mail address.".to_owned()))?;
    let presented = form.get("p_password");
    let Some(known) = directory.person_called(name) else {
        if registers {
            return register(directory, form, name, now);
        }
        directory.note_authentication("user.authentication_failed", None);
        return Err(match presented {
            Some(_) => NotYet::WrongPassword,
            None => NotYet::Wrong(format!("Nobody here has the address {name}.")),
        });
    };
    match (&known.password, presented) {
        (None, _) => Ok(known.id.clone()),
        (Some(password), Some(presented)) if password.is(presented) => Ok(known.id.clone()),
        (Some(_), Some(_)) => {
            let id = known.id.clone();
            directory.note_authentication("user.authentication_failed", Some(&id));
            Err(NotYet::WrongPassword)
        }
        (Some(_), None) => {
            let problem = registers.then_some("There is an account with this address already.");
            Err(NotYet::Password { problem })
        }
    }
}

fn register(directory: &mut Directory, form: &Fields, email: &str, now: u64) -> Result<String, NotYet> {
    if !email.contains('@') {
        return Err(NotYet::Wrong(format!("{email} is not an e-mail address.")));
    }
    let password = form.get("p_first_password");
    if password != form.get("p_second_password") {
        return Err(NotYet::Wrong("The two passwords differ.".to_owned()));
    }
    let mut person = PersonRecord::invent(email, now);
    if let Some(given_name) = form.get("p_first_name") {
        given_name.clone_into(&mut person.given_name);
    }
    form.get("p_last_name").unwrap_or_default().clone_into(&mut person.family_name);
    person.password = password.map(Password::new);
    person.is_one_click = person.password.is_none();
    Ok(directory.create_person(person))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> Directory {
        let mut directory = Directory::default();
        directory.find_or_create_person("alice", 0);
        for (name, is_one_click) in [("bob", false), ("carol", true)] {
            let id = directory.find_or_create_person(name, 0);
            let person = directory.people.get_mut(&id).unwrap();
            (person.password, person.is_one_click) = (Some(Password::new("correct horse")), is_one_click);
            person.username = Some(format!("{name}77"));
        }
        directory.journal.clear();
        directory
    }

    fn proven(pairs: &[(&str, &str)], registers: bool) -> (Result<(), NotYet>, Vec<&'static str>) {
        let mut directory = world();
        let person = |name: &str| directory.person_named(name).map(|person| person.id.clone());
        let form = pairs.iter().map(|(name, value)| {
            let value =
                if *name == "person" { person(value).unwrap_or_default() } else { (*value).to_owned() };
            ((*name).to_owned(), value)
        });
        let form = Fields(form.collect());
        let outcome = prove(&mut directory, &form, registers, 0).map(|_| ());
        (outcome, directory.journal.iter().map(|happening| happening.event_type).collect())
    }

    #[test]
    fn person_with_a_password_has_to_say_it_at_the_form() {
        let asked = || Err(NotYet::Password { problem: None });
        let wrong = || Err(NotYet::WrongPassword);
        const FAILED: &[&str] = &["user.authentication_failed"];
        type Row = (
            &'static str,
            &'static [(&'static str, &'static str)],
            Result<(), NotYet>,
            &'static [&'static str],
        );
        let rows: [Row; 9] = [
            ("no password", &[("p_email", "alice@example.test")], Ok(()), &[]),
            ("not said", &[("p_email", "bob@example.test")], asked(), &[]),
            ("said", &[("p_email", " Bob@example.test "), ("p_password", "correct horse")], Ok(()), &[]),
            ("username", &[("p_email", "bob77"), ("p_password", "correct horse")], Ok(()), &[]),
            ("wrong", &[("p_email", "bob@example.test"), ("p_password", "Correct horse")], wrong(), FAILED),
            ("nobody", &[("p_email", "eve@example.test"), ("p_password", "x")], wrong(), FAILED),
            ("no tile", &[("person", "bob")], asked(), &[]),
            ("tile", &[("person", "carol")], Ok(()), &[]),
            ("no tile, form", &[("p_email", "carol@example.test")], asked(), &[]),
        ];
        for (name, form, expected, events) in rows {
            assert_eq!(proven(form, false), (expected, events.to_vec()), "{name}");
        }
    }

    #[test]
    fn registering_takes_over_no_account() {
        let taken = proven(
            &[("p_email", "bob@example.test"), ("p_first_password", "x"), ("p_second_password", "x")],
            true,
        );
        assert!(matches!(taken.0, Err(NotYet::Password { problem: Some(_) })), "{taken:?}");
        assert_eq!(proven(&[("p_email", "eve@example.test")], true), (Ok(()), vec!["user.created"]));
        let differ = [("p_email", "eve@example.test"), ("p_first_password", "x"), ("p_second_password", "y")];
        let (Err(NotYet::Wrong(problem)), events) = proven(&differ, true) else { panic!() };
        assert!(problem.contains("differ") && events.is_empty());
    }

    #[test]
    fn form_without_a_name_names_nobody() {
        for form in [&[][..], &[("p_email", "  ")], &[("p_email", "")], &[("person", "nobody")]] {
            assert!(matches!(proven(form, true).0, Err(NotYet::Wrong(_))), "{form:?}");
        }
    }
}
