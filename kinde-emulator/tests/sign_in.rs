//! Signing in over HTTP, from the authorization request to the callback.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use browser::{Browser, CALLBACK, authorization_url, claims, location, parameter};
use kinde_emulator::{Environment, Seed, SignInError};
use reqwest::StatusCode;
use serde_json::json;

const SCOPES: &str = "openid profile email offline";

#[tokio::test]
async fn person_who_clicks_their_tile_comes_back_with_a_code_and_the_state() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    let url = authorization_url(&kinde, &[("scope", SCOPES)]);
    let callback = Browser::new().sign_in(&kinde, &url, &[("person", alice.id())]).await;
    assert!(callback.starts_with(&format!("{CALLBACK}?code=")));
    assert_eq!(parameter(&callback, "state").unwrap(), "st/at+e \"1\"");
    assert_eq!(parameter(&callback, "scope").unwrap(), SCOPES);
}

#[tokio::test]
async fn member_who_signs_in_gets_tokens_for_their_organization() {
    let kinde = Environment::start().await;
    let acme = kinde.org("acme");
    let _ = kinde.person("alice").in_org("acme").with("create:todos").remember();
    let tokens = Browser::new().tokens(&kinde, SCOPES).await;
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["org_code"], acme.code());
    assert_eq!(access["permissions"], json!(["create:todos"]));
    assert_eq!((&access["aud"], &access["azp"]), (&json!([]), &json!(kinde.client_id())));
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id["nonce"], &id["org_codes"]), (&json!("n-1"), &json!([acme.code()])));
    assert_eq!(id["aud"], json!([kinde.issuer(), kinde.client_id()]));
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(86_399)));
}

#[tokio::test]
async fn person_who_types_their_address_signs_in() {
    let kinde = Environment::start().await;
    let _ = kinde.person("alice");
    let url = authorization_url(&kinde, &[("scope", "openid")]);
    let callback = Browser::new().sign_in(&kinde, &url, &[("p_email", "Alice@example.test")]).await;
    assert!(parameter(&callback, "code").is_some());
}

#[tokio::test]
async fn unknown_address_is_shown_the_page_again_with_a_notice() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    let page = browser.get(&authorization_url(&kinde, &[])).await.text().await.unwrap();
    let interaction = page.split("name=\"interaction\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("interaction", interaction), ("p_email", "<b>@x")];
    let again = browser.post(&format!("{}/oauth2/auth/sign_in", kinde.url()), &form).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    let text = again.text().await.unwrap();
    assert!(text.contains("Nobody here has the address &lt;b&gt;@x") && !text.contains("<b>@x"));
}

#[tokio::test]
async fn person_who_cancels_comes_back_with_access_denied() {
    let kinde = Environment::start().await;
    let url = authorization_url(&kinde, &[]);
    let callback = Browser::new().sign_in(&kinde, &url, &[("decision", "deny")]).await;
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
    assert_eq!(parameter(&callback, "state").unwrap(), "st/at+e \"1\"");
}

#[tokio::test]
async fn signed_in_person_is_not_asked_again_until_they_log_out() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    browser.tokens(&kinde, "openid").await;
    let silent = authorization_url(&kinde, &[("prompt", "none")]);
    assert!(parameter(&location(&browser.get(&silent).await), "code").is_some());
    let prompted = browser.get(&authorization_url(&kinde, &[("prompt", "login")])).await;
    assert_eq!(prompted.status(), StatusCode::OK);

    let out = browser.get(&format!("{}/logout?redirect=http://localhost:3000", kinde.url())).await;
    assert_eq!(location(&out), "http://localhost:3000");
    let refused = location(&browser.get(&silent).await);
    assert_eq!(parameter(&refused, "error").unwrap(), "login_required");
    assert_eq!(parameter(&refused, "error_description").unwrap(), "User authentication is required");
}

#[tokio::test]
async fn logout_to_an_unlisted_url_shows_an_error_page() {
    let kinde = Environment::start().await;
    let answer = Browser::new().get(&format!("{}/logout?redirect=https://evil.example", kinde.url())).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn newcomer_registers_and_is_signed_in() {
    let kinde = Environment::start().await;
    for (parameter_name, value, email) in
        [("prompt", "create", "new@example.test"), ("start_page", "registration", "newer@example.test")]
    {
        let url = authorization_url(&kinde, &[("scope", "openid profile email"), (parameter_name, value)]);
        let form = [("p_email", email), ("p_first_name", "Néo"), ("p_last_name", "O'Hara")];
        let browser = Browser::new();
        let callback = browser.sign_in(&kinde, &url, &form).await;
        let (_, tokens) = browser.exchange(&kinde, &parameter(&callback, "code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&id["name"], &id["email"]), (&json!("Néo O'Hara"), &json!(email)));
    }
}

#[tokio::test]
async fn signed_in_person_creates_an_organization_and_switches_back_silently() {
    let kinde = Environment::start().await;
    let acme = kinde.org("acme");
    let _ = kinde.person("alice").in_org("acme").remember();
    let browser = Browser::new();
    browser.tokens(&kinde, SCOPES).await;
    let create = [("start_page", "registration"), ("is_create_org", "true"), ("org_name", "Voss Freight")];
    let callback = location(&browser.get(&authorization_url(&kinde, &create)).await);
    let (_, tokens) = browser.exchange(&kinde, &parameter(&callback, "code").unwrap()).await;
    let created = claims(tokens["access_token"].as_str().unwrap())["org_code"].clone();
    assert_eq!(created, kinde.org("voss-freight").code());

    let switch = [("prompt", "none"), ("org_code", acme.code())];
    let callback = location(&browser.get(&authorization_url(&kinde, &switch)).await);
    let (_, tokens) = browser.exchange(&kinde, &parameter(&callback, "code").unwrap()).await;
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["org_code"], acme.code());
}

#[tokio::test]
async fn outsider_is_refused_an_organization() {
    let kinde = Environment::start().await;
    let acme = kinde.org("acme");
    let url = authorization_url(&kinde, &[("org_code", acme.code())]);
    let callback = kinde.sign_in(&url, &kinde.person("mallory")).unwrap();
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
}

#[tokio::test]
async fn hinted_person_stands_first_and_is_marked() {
    let kinde = Environment::builder().with_seed(Seed::example().unwrap()).start().await;
    let url = authorization_url(&kinde, &[("login_hint", "carol@example.test")]);
    let page = Browser::new().get(&url).await.text().await.unwrap();
    let first = page.split("name=\"person\"").nth(1).unwrap();
    assert!(first.contains("aria-current") && first.contains("carol@example.test"));
    assert!(page.contains("emulator") && !page.contains("<script"));
}

#[tokio::test]
async fn automatic_hint_signs_in_without_a_page() {
    let kinde = Environment::start().await;
    let _ = kinde.person("alice");
    let url = authorization_url(&kinde, &[("login_hint", "auto:alice@example.test")]);
    assert!(parameter(&location(&Browser::new().get(&url).await), "code").is_some());
}

#[tokio::test]
async fn wrong_request_is_answered_by_a_page_and_never_by_a_redirect() {
    let kinde = Environment::start().await;
    let good = authorization_url(&kinde, &[]);
    let rows = [
        ("unknown client", good.replace(kinde.client_id(), "unknown")),
        ("unknown redirect", good.replace("callback", "callback2")),
        ("repeated state", format!("{good}&state=again")),
    ];
    for (name, url) in rows {
        let answer = Browser::new().get(&url).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
        assert!(answer.text().await.unwrap().contains("1656"), "{name}");
        let refused = kinde.sign_in(&url, &kinde.person("alice"));
        assert!(matches!(refused, Err(SignInError::Page { code: 1656, .. })), "{name}");
    }
}

#[tokio::test]
async fn page_answered_twice_says_so() {
    let kinde = Environment::start().await;
    let form = [("interaction", "unknown"), ("person", "kp_1")];
    let answer = Browser::new().post(&format!("{}/oauth2/auth/sign_in", kinde.url()), &form).await;
    assert!(answer.text().await.unwrap().contains("4321"));
}

#[tokio::test]
async fn callback_allowed_later_is_accepted() {
    let kinde = Environment::start().await;
    let elsewhere = "http://127.0.0.1:49152/cb?tenant=a%2Fb";
    let mut url = reqwest::Url::parse(&format!("{}/oauth2/auth", kinde.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", kinde.client_id())
        .append_pair("redirect_uri", elsewhere)
        .append_pair("response_type", "code");
    assert!(kinde.sign_in(url.as_str(), &kinde.person("alice")).is_err());
    kinde.allow_callback(elsewhere);
    let callback = kinde.sign_in(url.as_str(), &kinde.person("alice")).unwrap();
    assert!(callback.starts_with(&format!("{elsewhere}&code=")));
}

#[tokio::test]
async fn application_without_a_secret_needs_a_code_challenge_and_no_secret() {
    let text = "[[applications]]\nname = \"spa\"\nkind = \"public\"\ncallbacks = [\"http://localhost:3000/callback\"]";
    let kinde = Environment::builder().with_seed(Seed::from_toml(text).unwrap()).start().await;
    assert!(kinde.variables().iter().all(|(name, _)| *name != "KINDE_CLIENT_SECRET"));
    let good = authorization_url(&kinde, &[]);
    let without = good.split("&code_challenge").next().unwrap();
    let refused = kinde.sign_in(without, &kinde.person("alice")).unwrap();
    assert_eq!(parameter(&refused, "error").unwrap(), "invalid_request");
    let callback = kinde.sign_in(&good, &kinde.person("alice")).unwrap();
    let (status, _) = Browser::new().exchange(&kinde, &parameter(&callback, "code").unwrap()).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn person_with_a_password_has_no_tile_and_webhooks_hear_of_the_wrong_one() {
    let kinde = Environment::start().await;
    let bob = kinde.person("bob");
    bob.set_password(Some("correct horse"));
    bob.set_one_click(false);
    kinde.add_webhook("http://127.0.0.1:1/nobody/listens").unwrap();
    let url = authorization_url(&kinde, &[]);
    let browser = Browser::new();
    let page = browser.get(&url).await.text().await.unwrap();
    assert!(!page.contains(bob.id()));
    let interaction = page.split("name=\"interaction\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let endpoint = format!("{}/oauth2/auth/sign_in", kinde.url());
    let post = async |form: &[(&str, &str)]| {
        let form = [&[("interaction", interaction)], form].concat();
        browser.post(&endpoint, &form).await
    };
    // Naming him in the way of a tile asks for the password as well.
    let asked = post(&[("person", bob.id())]).await;
    assert_eq!(asked.status(), StatusCode::OK);
    assert!(asked.text().await.unwrap().contains("name=\"p_password\""));
    for (email, password) in [("bob@example.test", "wrong"), ("nobody@example.test", "correct horse")] {
        let refused = post(&[("p_email", email), ("p_password", password)]).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert!(refused.text().await.unwrap().contains("do not belong together"), "{email}");
    }
    kinde.settled().await;
    let failed = kinde
        .webhook_attempts()
        .iter()
        .filter(|tried| tried.event_type == "user.authentication_failed")
        .count();
    assert_eq!(failed, 2);
    let callback = location(&post(&[("p_email", "bob@example.test"), ("p_password", "correct horse")]).await);
    assert!(parameter(&callback, "code").is_some());

    bob.set_one_click(true);
    assert!(Browser::new().get(&url).await.text().await.unwrap().contains(bob.id()));
}

#[tokio::test]
async fn plain_http_to_another_computer_is_refused_unless_the_world_says_otherwise() {
    let text = "[[applications]]\nname = \"web\"\ncallbacks = [\"http://app.example/cb\"]\n";
    for (switch, is_allowed) in [("", false), ("plain_http_callbacks = true", true)] {
        let seed = Seed::from_toml(&format!("{text}{switch}")).unwrap();
        let kinde = Environment::builder().with_seed(seed).start().await;
        let good = authorization_url(&kinde, &[]);
        let url = good.replace("http%3A%2F%2Flocalhost%3A3000%2Fcallback", "http://app.example/cb");
        let answered = kinde.sign_in(&url, &kinde.person("alice"));
        assert_eq!(answered.is_ok(), is_allowed, "{answered:?}");
        assert!(is_allowed || matches!(answered, Err(SignInError::Page { code: 1656, .. })));
    }
}
