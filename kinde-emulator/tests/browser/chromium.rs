//! A Chromium without a window, driven over its pipe: keys are pressed as a person presses them.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{self, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// A running browser; one of its tabs is shown.
pub struct Chromium {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    next_id: u64,
    profile: PathBuf,
}

/// One page of a browser.
pub struct Tab {
    target: String,
    session: String,
}

impl Chromium {
    /// Starts the program, or prints that the test does not run.
    pub async fn start() -> Option<Self> {
        let Some(program) = program() else {
            // Not `eprintln!`: what that prints, a passing test keeps to itself.
            let _ = writeln!(io::stderr(), "not run: chromium is not installed");
            return None;
        };
        static PROFILES: AtomicUsize = AtomicUsize::new(0);
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = env::temp_dir().join(format!("kinde-emulator-{}-{number}", process::id()));
        fs::create_dir_all(&profile).unwrap();
        // The browser reads commands from descriptor 3 and writes answers to 4, which only a shell can connect.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, "sh"]).arg(program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let session = String::new();
        let mut browser = Self { _child: child, input, output, session, next_id: 0, profile };
        browser.open_tab().await;
        Some(browser)
    }

    /// Opens another tab and shows it; gives what [`show`](Self::show) takes.
    pub async fn open_tab(&mut self) -> Tab {
        self.session.clear();
        let created = self.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let target = created["targetId"].as_str().unwrap().to_owned();
        let attached =
            self.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true })).await;
        let tab = Tab { target, session: attached["sessionId"].as_str().unwrap().to_owned() };
        self.show(&tab).await;
        self.call("Page.enable", json!({})).await;
        self.call("Accessibility.enable", json!({})).await;
        let size = json!({ "width": 800, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        // No page may need a script. What tests evaluate runs all the same.
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        tab
    }

    /// Shows a tab: from now on everything happens there.
    pub async fn show(&mut self, tab: &Tab) {
        self.session.clear();
        self.call("Target.activateTarget", json!({ "targetId": tab.target })).await;
        self.session.clone_from(&tab.session);
    }

    /// Opens a page and waits until it is there.
    pub async fn open(&mut self, url: &str) {
        self.evaluate("window.isOld = true").await;
        self.call("Page.navigate", json!({ "url": url })).await;
        self.arrived().await;
    }

    /// Waits until another page than the one before is there.
    pub async fn arrived(&mut self) {
        let arrived =
            "location.href !== 'about:blank' && !window.isOld && document.readyState === 'complete'";
        for _ in 0..400 {
            // Between two pages there is nothing to evaluate in.
            if self.try_evaluate(arrived).await == Some(json!(true)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no page arrived; still at {}", self.evaluate("document.body.innerText").await);
    }

    /// Presses a key by its name: `Tab`, `Enter`, or a character.
    pub async fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Types text into whatever has the focus.
    pub async fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses Tab until the focus is on what the selector names.
    pub async fn tab_to(&mut self, selector: &str) {
        for _ in 0..60 {
            let is_there = format!("document.activeElement.matches({})", json!(selector));
            if self.evaluate(&is_there).await == json!(true) {
                return;
            }
            self.press("Tab").await;
        }
        panic!("the keyboard does not reach {selector}");
    }

    /// Goes to a button or link by Tab, presses Enter, and waits for the next page.
    pub async fn press_on(&mut self, selector: &str) {
        self.tab_to(selector).await;
        self.evaluate("window.isOld = true").await;
        self.press("Enter").await;
        self.arrived().await;
    }

    /// Evaluates JavaScript in the page.
    pub async fn evaluate(&mut self, script: &str) -> Value {
        self.try_evaluate(script).await.unwrap_or_else(|| panic!("cannot evaluate {script}"))
    }

    async fn try_evaluate(&mut self, script: &str) -> Option<Value> {
        let asked = json!({ "expression": script, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", asked).await.ok()?;
        answer.get("exceptionDetails").is_none().then(|| answer["result"]["value"].clone())
    }

    pub async fn location(&mut self) -> String {
        self.evaluate("location.href").await.as_str().unwrap().to_owned()
    }

    pub async fn heading(&mut self) -> String {
        self.evaluate("document.querySelector('h1').innerText").await.as_str().unwrap().to_owned()
    }

    /// Chooses the colours the system asks for: `light` or `dark`.
    pub async fn prefer(&mut self, scheme: &str) {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Returns the accessible name and role of everything a person can operate.
    pub async fn operable(&mut self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let text = |node: &Value, member: &str| node[member]["value"].as_str().unwrap_or_default().to_owned();
        nodes
            .filter(|node| node["ignored"] != json!(true))
            .map(|node| (text(node, "role"), text(node, "name")))
            .filter(|(role, _)| ["button", "textbox", "link", "checkbox"].contains(&role.as_str()))
            .collect()
    }

    /// Keeps a picture of the whole page beside the build output.
    pub async fn screenshot(&mut self, name: &str) {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.call("Page.captureScreenshot", asked).await;
        let picture = STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(crate::PICTURES);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// Tells the browser something in its protocol, and gives the answer.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Value {
        match self.ask(method, parameters).await {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    async fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.next_id += 1;
        let mut message = json!({ "id": self.next_id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.input.write_all(message.to_string().as_bytes()).await.unwrap();
        self.input.write_all(b"\0").await.unwrap();
        loop {
            let mut bytes = Vec::new();
            let read = timeout(PATIENCE, self.output.read_until(0, &mut bytes));
            assert_ne!(read.await.expect("chromium does not answer").unwrap(), 0, "chromium ended");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == json!(self.next_id) {
                return answer.get("result").cloned().ok_or_else(|| answer["error"].clone());
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // What it leaves behind harms no other test.
        let _ = fs::remove_dir_all(&self.profile);
    }
}

#[expect(clippy::disallowed_methods, reason = "where the browser is, is no setting of Kinde")]
fn program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("KINDE_TEST_CHROMIUM").filter(|program| !program.is_empty()) {
        return Some(program.into());
    }
    env::split_paths(&env::var_os("PATH")?)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
];
const PATIENCE: Duration = Duration::from_secs(60);
