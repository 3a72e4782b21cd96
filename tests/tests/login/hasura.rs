//! An application whose tokens carry their claims under `x-hasura-` names: nothing is missing from its pages.

use std::sync::Arc;

use http::Method;
use kinde_emulator::{Environment, Seed};
use kinde_tests::site::{SCRIPT, Site};
use serde_json::{Value, json};

#[tokio::test]
async fn switcher_and_setup_show_the_same_with_the_mapping_as_without() {
    for is_mapped in [false, true] {
        let seed = format!("[[applications]]\nname = \"web\"\nhasura = {is_mapped}");
        let kinde = Environment::builder().with_seed(Seed::from_toml(&seed).unwrap()).start().await;
        let site = Site::start_in(Arc::new(kinde), |builder| builder).await;
        let alice = site.kinde.person("alice").in_org("acme").with("create:todos").with_flag("beta", true);
        let alice = alice.with_organization_property("kp_org_city", "Wien").remember();
        let mut browser = site.signed_in(&alice).await;
        let org = site.kinde.org("acme").code().to_owned();

        let profile = browser.go(&format!("{}/profile", site.url)).await.body;
        assert_eq!(profile, "alice@example.test 1", "mapped {is_mapped}: one organization to choose from");
        let setup = browser.ask(Method::GET, &format!("{}/api/auth/setup", site.url), &SCRIPT).await.body;
        let setup: Value = serde_json::from_str(&setup).unwrap();
        let claim = if is_mapped { "x-hasura-feature-flags" } else { "feature_flags" };
        assert!(setup["accessToken"][claim].is_object(), "mapped {is_mapped}: {setup}");
        assert_eq!(setup["userOrganizations"]["orgCodes"], json!([org]), "mapped {is_mapped}");
        assert_eq!(setup["organization"]["orgCode"], org, "mapped {is_mapped}");
        assert_eq!(setup["organization"]["properties"]["kp_org_city"]["v"], "Wien", "mapped {is_mapped}");
        assert_eq!(setup["featureFlags"]["beta"]["v"], true, "mapped {is_mapped}");
        assert_eq!(setup["permissions"]["permissions"], json!(["create:todos"]), "mapped {is_mapped}");
    }
}
