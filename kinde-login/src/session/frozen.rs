//! What earlier versions wrote into browsers and stores, kept as it was: this version and the next have to read it.
//!
//! A test that fails here signs everybody out with the next deployment. When a format changes, add what the new one
//! writes and keep the old until the version after it.

use kinde_core::Secret;

use super::record::{Session, tests::session};
use crate::{
    flow::Flow,
    seal::{Purpose, Sealer},
};

const SECRET: &str = "the secret of what was frozen, 32 bytes or more";
const ACCESS_TOKEN: &str =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImZyb3plbiJ9.eyJzdWIiOiJrcF8xIiwib3JnX2NvZGUiOiJvcmdfMSJ9.c2lnbmF0dXJl";
const ID: [u8; 16] = *b"sixteen letters!";
const FLOW_ID: &str = "AAAAAAAAAAAA";

/// Formats: sealed 1, record 1. Written by 0.1.0.
const COOKIE_1: &str = "AazEyhy-K_NAUAVlFMcW48vs-UsSWDUrXSZ-EzFuv2MZs9SFl0ddrLUnFl8YNzyHR8D1tVV7uCsbWB6JoCuWhs5U7Gy91AW4\
    8fcEqTNyBEa6CwML_82EVAwC2T-YI2Pwt6rcO8zYErNWlVc3snL6Jj_40WU7aKRdN54Xws3KepPORZcm1wHieMTPK7i3b6wX\
    iVP_fc4WwPrl2vATx_-aN9ntbnSP5Ae_7qDKrQBGvoFhukaiD8-ZbVrrih6fb0SfREBXODFCkhAw3-iRwk_dL-v96vysSAC_\
    sWlS0iSIRR3c66EmrFrer6v2BQbVe4N__J__G4_qHWSQg4qVakl6OJub7ygjQ94jrv2kHI4y6RW2XVFlYSwKUBLaGD112VP6\
    u6eZq13kFiVIUWrOWZN5UvuZ";
const RECORD_1: &str = "AazEyhw2sPHVyN76MbHxMlSwm0UfBoNTVomneGIeSw1zWR8ArtqyNqyiRaAMYPG2mUBLa1k0Vkh98_XcW1oxOTh7NN3jnCW9\
    r2gnG5K6rTFfRC7w9JhVFx216TFUYosToCGt3F-JRWLVAXPKMvr0eq00YvdF24DgjZQRvw-6VOC--zs_4orNbXb5TNOaeV-p\
    RvOV1TIqv9cEbzxqeCa5SJzral7hTz_hy_BAPOrbyFR-7x--KfJULX7siTV4OeJMKfaCdQ8UHdtfyYGgpGEfzs5I6zlltvoU\
    6en78FA4FpyalbIAHjyD6KalEUHfAWrXRVbWbXBVAxQQdtIxfBTyLHfho8A13QWm3Za8P5xzlqr_ykIgPIdd-K9CPgkc1559\
    qOCjiyey3-QuFsy4nn_ofOdJ";
const FLOW_1: &str = "AazEyhxGhmQWtTkLznFb_Owy228vmhTsd2ZwTOVnw4v4A0cPFfzVy6Ml4QnLdgZY-y69XaCYXYZkcbGeq_bMzFsnnTmYKUDu\
    6ywo8cEc6Nho2moejaIob5o7XVqMRrR71s8b8JPbo1m0s5Xcx3__Muc0P2DLwxazqGvwE2uF68TS6FJPovVgysizqmCZiUZL\
    rkXY1vxKRLDQuojKUzUS51UC5nNaX3sLpVDaTeEnl8zTWsL_aSn4KGPl4wCpM-gZs1OvRJx_sihfcEBeB4uUYeGFY5wFow1h\
    Ew";

fn sealer() -> Sealer {
    Sealer::new(&[Secret::new(SECRET)]).unwrap()
}

fn expected() -> Session {
    let mut expected = session(ACCESS_TOKEN);
    expected.id = super::SessionId::from_bytes(ID);
    // Came later: what is not there is not compared.
    expected.facts.org_code = None;
    expected
}

#[test]
fn session_that_an_earlier_version_wrote_is_read() {
    for (name, purpose, context, sealed) in [
        ("cookie 1", Purpose::SessionCookie, b"".as_slice(), COOKIE_1),
        ("record 1", Purpose::SessionRecord, ID.as_slice(), RECORD_1),
    ] {
        let plain = sealer().open(purpose, context, sealed).unwrap_or_else(|| panic!("{name} is not opened"));
        let read = Session::read(&plain).unwrap_or_else(|| panic!("{name} is not read"));
        let expected = expected();
        assert_eq!(read.access_token.expose(), ACCESS_TOKEN, "{name}");
        assert_eq!(read.refresh_token.unwrap().expose(), "refresh", "{name}");
        assert_eq!((read.id, read.user, read.facts), (expected.id, expected.user, expected.facts), "{name}");
    }
}

#[test]
fn sign_in_that_an_earlier_version_started_is_finished() {
    let plain = sealer().open(Purpose::Flow, FLOW_ID.as_bytes(), FLOW_1).unwrap();
    let flow: Flow = serde_json::from_slice(&plain).unwrap();
    assert_eq!(flow.state.as_str(), "state-of-the-frozen-flow");
    assert_eq!((flow.return_to.as_deref(), flow.org_code.as_deref()), (Some("/a?b=c"), Some("org_1")));
    assert!(!flow.code_challenge().is_empty());
}

/// What a later version may add without a new format: bytes behind, members of the facts and of the profile.
#[test]
fn record_with_more_in_it_is_read_by_this_version() {
    let written = expected().write();
    let (head, rest) = written.split_at(1 + ID.len());
    let (length, rest) = rest.split_first_chunk::<4>().unwrap();
    let (about, tokens) = rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
    let mut about: serde_json::Value = serde_json::from_slice(about).unwrap();
    about[0]["later"] = serde_json::json!({"a": [1]});
    about[1]["later"] = serde_json::json!("b");
    let about = serde_json::to_vec(&about).unwrap();
    let length = u32::try_from(about.len()).unwrap().to_be_bytes();
    let more = [head, &length, &about, tokens, b"and more behind"].concat();
    let read = Session::read(&more).unwrap();
    assert_eq!(read.access_token.expose(), ACCESS_TOKEN);
    assert_eq!((read.user, read.facts), (expected().user, expected().facts));
}
