//! Decides whether a document is a seed, and says everything that is wrong with it.

use std::collections::BTreeMap;

use crate::directory::Directory;

use super::{
    document::{Content, Node},
    problem::SeedProblem,
    shape::{Key, Referent, Shape},
    suggestion,
};

/// Returns what is wrong with a document, from its top to its end; nothing when it is a seed.
///
/// The document may name what it defines and what is already known.
pub(super) fn problems(document: &Node, keys: &'static [Key], known: Option<&Directory>) -> Vec<SeedProblem> {
    let mut names = Names::of(document);
    known.into_iter().for_each(|directory| names.extend_with(directory));
    let mut checker = Checker { names, problems: Vec::new() };
    if matches!(document.content, Content::Table(_)) {
        checker.table(document, keys, &Path::default());
        checker.doubles(document);
    } else {
        let reason = format!("{} stands where a table has to", described(&document.content));
        checker.report(document.line, &Path::default(), reason);
    }
    let mut problems = checker.problems;
    problems.sort_by_key(|problem| problem.line);
    problems
}

struct Checker {
    names: Names,
    problems: Vec<SeedProblem>,
}

impl Checker {
    fn value(&mut self, node: &Node, shape: &'static Shape, path: &Path) {
        let fits = match (shape, &node.content) {
            (Shape::Anything, _)
            | (Shape::Text, Content::Text(_))
            | (Shape::Boolean, Content::Boolean(_)) => true,
            (Shape::Count, Content::Number(number)) => number.is_u64(),
            (Shape::Integer, Content::Number(number)) => number.is_i64() || number.is_u64(),
            (Shape::OneOf(choices), Content::Text(text)) => {
                self.choice(node, choices, text, path);
                true
            }
            (Shape::Name(referent), Content::Text(name)) => {
                self.reference(node, *referent, name, path);
                true
            }
            (Shape::List(shape), Content::List(items)) => {
                for (place, item) in items.iter().enumerate() {
                    self.value(item, shape, &path.item(place));
                }
                true
            }
            (Shape::Map(shape), Content::Table(entries)) => {
                for entry in entries {
                    self.value(&entry.value, shape, &path.key(&entry.name));
                }
                true
            }
            (Shape::Table(keys), Content::Table(_)) => {
                self.table(node, keys, path);
                true
            }
            _ => false,
        };
        if !fits {
            let (wanted, found) = (shape.described(), described(&node.content));
            self.report(node.line, path, format!("{found} stands where {wanted} has to"));
        }
    }

    fn table(&mut self, node: &Node, keys: &'static [Key], path: &Path) {
        for entry in node.entries() {
            match keys.iter().find(|key| key.name == entry.name) {
                Some(key) => self.value(&entry.value, &key.shape, &path.key(key.name)),
                None => {
                    let known = keys.iter().map(|key| key.name);
                    let meant = meant(&entry.name, known.clone())
                        .unwrap_or_else(|| format!("; known are {}", known.collect::<Vec<_>>().join(", ")));
                    self.report(entry.line, path, format!("unknown key `{}`{meant}", entry.name));
                }
            }
        }
        for key in keys.iter().filter(|key| key.is_required && node.get(key.name).is_none()) {
            self.report(node.line, path, format!("the key `{}` is missing", key.name));
        }
    }

    fn choice(&mut self, node: &Node, choices: &[&'static str], text: &str, path: &Path) {
        if !choices.contains(&text) {
            let meant = meant(text, choices.iter().copied())
                .unwrap_or_else(|| format!("; known are {}", choices.join(", ")));
            self.report(node.line, path, format!("`{text}` is not known here{meant}"));
        }
    }

    fn reference(&mut self, node: &Node, referent: Referent, name: &str, path: &Path) {
        let (what, known) = match referent {
            Referent::Organization => ("organization", Some(&self.names.organizations)),
            Referent::Plan => ("plan", Some(&self.names.plans)),
            // Whoever lists none has them made up from their use.
            Referent::Role => ("role", self.names.roles.as_ref()),
            Referent::Permission => ("permission", self.names.permissions.as_ref()),
        };
        let Some(known) = known else { return };
        if !known.iter().any(|known| known == name) {
            let meant = meant(name, known.iter().map(String::as_str)).unwrap_or_default();
            self.report(node.line, path, format!("the seed defines no {what} `{name}`{meant}"));
        }
    }

    /// Two things of one name would be one thing that says only what the second says.
    fn doubles(&mut self, document: &Node) {
        for (list, name) in IDENTITIES {
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            for (place, node) in items(document, list).iter().enumerate() {
                let Some(entry) = node.get(name) else { continue };
                let Some(text) = entry.value.text() else { continue };
                match seen.get(text) {
                    Some(first) => {
                        let path = Path::default().key(list).item(place).key(name);
                        let reason = format!("`{text}` is there twice, first on line {first}");
                        self.report(entry.line, &path, reason);
                    }
                    None => drop(seen.insert(text, entry.line)),
                }
            }
        }
    }

    fn report(&mut self, line: usize, path: &Path, reason: String) {
        self.problems.push(SeedProblem { line, path: path.0.clone(), reason });
    }
}

/// What a document defines, by name.
struct Names {
    organizations: Vec<String>,
    plans: Vec<String>,
    roles: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
}

impl Names {
    fn of(document: &Node) -> Self {
        let all = |list: &str, names: &[&str]| -> Vec<String> {
            let named = items(document, list).iter().flat_map(|item| {
                let entries = names.iter().filter_map(|name| item.get(name));
                entries.filter_map(|entry| entry.value.text()).map(str::to_owned)
            });
            named.collect()
        };
        let if_listed = |list: &str| document.get(list).map(|_| all(list, &["key"]));
        Self {
            organizations: all("organizations", &["handle", "code"]),
            plans: all("plans", &["key"]),
            roles: if_listed("roles"),
            permissions: if_listed("permissions"),
        }
    }
}

impl Names {
    fn extend_with(&mut self, directory: &Directory) {
        let organizations = directory.organizations.values();
        self.organizations.extend(organizations.flat_map(|known| [known.handle.clone(), known.code.clone()]));
        self.plans.extend(directory.plans.keys().cloned());
        self.roles.iter_mut().for_each(|roles| roles.extend(directory.roles.keys().cloned()));
        self.permissions.iter_mut().for_each(|keys| keys.extend(directory.permissions.keys().cloned()));
    }
}

/// Where a value stands.
#[derive(Clone, Default)]
struct Path(String);

impl Path {
    fn key(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    fn item(&self, place: usize) -> Self {
        Self(format!("{}[{place}]", self.0))
    }
}

fn items<'a>(document: &'a Node, list: &str) -> &'a [Node] {
    document.get(list).map(|entry| entry.value.items()).unwrap_or_default()
}

fn meant<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    suggestion::nearest(wrong, known).map(|near| format!(", did you mean `{near}`?"))
}

fn described(content: &Content) -> &'static str {
    match content {
        Content::Null => "null",
        Content::Boolean(_) => "true or false",
        Content::Number(_) => "a number",
        Content::Text(_) => "a text",
        Content::List(_) => "a list",
        Content::Table(_) => "a table",
    }
}

/// The lists whose items are told apart, and the keys by which they are.
const IDENTITIES: [(&str, &str); 13] = [
    ("applications", "name"),
    ("applications", "client_id"),
    ("organizations", "code"),
    ("people", "email"),
    ("people", "id"),
    ("organizations", "handle"),
    ("people", "name"),
    ("roles", "key"),
    ("permissions", "key"),
    ("apis", "audience"),
    ("feature_flags", "key"),
    ("properties", "key"),
    ("plans", "key"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{from_json, from_toml, keys};

    fn told(document: &Node) -> Vec<String> {
        problems(document, keys::SEED, None).iter().map(ToString::to_string).collect()
    }

    fn told_of_toml(text: &str) -> Vec<String> {
        told(&from_toml::read(text).unwrap())
    }

    #[test]
    fn unknown_key_is_told_with_its_line_and_the_one_that_was_meant() {
        let text = "[[people]]\nname = \"alice\"\n\n[[organizations]]\nhandle = \"acme\"\n\n[[people]]\n\
                    name = \"bob\"\nmemberships = [\n  { org = \"acme\", permisions = [] },\n]\n";
        let expected =
            "line 10: unknown key `permisions`, did you mean `permissions`? (at people[1].memberships[0])";
        assert_eq!(told_of_toml(text), [expected]);
        let json = "{\n \"organizations\": [{ \"handle\": \"acme\" }],\n \"people\": [{ \"name\": \"bob\",\n\
                    \"memberships\": [{ \"org\": \"acme\",\n \"permisions\": [] }] }]\n}";
        let expected =
            "line 5: unknown key `permisions`, did you mean `permissions`? (at people[0].memberships[0])";
        assert_eq!(told(&from_json::read(json).unwrap()), [expected]);
    }

    #[test]
    fn key_that_is_like_no_other_is_told_with_those_that_are_known() {
        assert_eq!(
            told_of_toml("[[apis]]\naudience = \"a\"\ncolour = \"blue\"\n"),
            ["line 3: unknown key `colour`; known are audience, scopes (at apis[0])"]
        );
    }

    #[test]
    fn value_of_another_type_is_told_with_what_has_to_stand_there() {
        for (text, expected) in [
            ("[[people]]\nname = 1\n", "line 2: a number stands where a text has to (at people[0].name)"),
            ("people = 1\n", "line 1: a number stands where a list has to (at people)"),
            ("people = [1]\n", "line 1: a number stands where a table has to (at people[0])"),
            (
                "[tokens]\nid_token_seconds = -1\n",
                "line 2: a number stands where a whole number, zero or more has to (at tokens.id_token_seconds)",
            ),
            (
                "[[applications]]\nname = \"web\"\nkind = \"machin\"\n",
                "line 3: `machin` is not known here, did you mean `machine`? (at applications[0].kind)",
            ),
            ("[[roles]]\nname = \"Admin\"\n", "line 1: the key `key` is missing (at roles[0])"),
        ] {
            assert_eq!(told_of_toml(text), [expected], "{text}");
        }
        let null = from_json::read("{\n\"people\": null }").unwrap();
        assert_eq!(told(&null), ["line 2: null stands where a list has to (at people)"]);
        let list = from_json::read("[]").unwrap();
        assert_eq!(told(&list), ["line 1: a list stands where a table has to"]);
    }

    #[test]
    fn name_that_the_seed_does_not_define_is_told_with_the_one_that_was_meant() {
        let text = "[[organizations]]\nhandle = \"acme\"\ncode = \"org_1\"\nplans = [\"fleet\"]\n\n[[people]]\n\
                    name = \"alice\"\nmemberships = [{ org = \"acmee\" }, { org = \"org_1\", roles = [\"admni\"] }]\n";
        let org = "line 8: the seed defines no organization `acmee`, did you mean `acme`? (at people[0].memberships[0].org)";
        let plan = "line 4: the seed defines no plan `fleet` (at organizations[0].plans[0])";
        // Roles that nobody lists are made up.
        assert_eq!(told_of_toml(text), [plan, org]);
        let listed = format!("{text}[[roles]]\nkey = \"admin\"\npermissions = [\"read:todos\"]\n");
        let role = "line 8: the seed defines no role `admni`, did you mean `admin`? (at people[0].memberships[1].roles[0])";
        assert_eq!(told_of_toml(&listed), [plan, org, role]);
    }

    #[test]
    fn second_thing_of_a_name_or_id_is_told_with_the_line_of_the_first() {
        let text = "[[people]]\nname = \"alice\"\n\n[[people]]\nname = \"alice\"\n";
        assert_eq!(
            told_of_toml(text),
            ["line 5: `alice` is there twice, first on line 2 (at people[1].name)"]
        );
        let text = "[[applications]]\nname = \"web\"\nclient_id = \"x\"\n[[applications]]\nname = \"b\"\nclient_id = \"x\"\n";
        assert_eq!(
            told_of_toml(text),
            ["line 6: `x` is there twice, first on line 3 (at applications[1].client_id)"]
        );
    }
}
