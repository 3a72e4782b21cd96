//! Several operating-system processes of one site, behind one address.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kinde_emulator::{Environment, Person};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::site::{Browser, variables_of};

/// The processes, the address that browsers know, and the environment that signs their people in.
pub struct Fleet {
    /// The environment. Its clock stands still.
    pub kinde: Arc<Environment>,
    /// The site's origin: each connection goes to the next process.
    pub url: String,
    processes: Vec<Process>,
    /// Where connections go, one after the other.
    ports: Arc<Mutex<Vec<u16>>>,
}

struct Process {
    child: Child,
    port: u16,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    id: u64,
}

impl Fleet {
    /// Starts two processes of the program. `store` says where they keep their sessions.
    pub async fn start(program: &str, kinde: Environment, store: Value) -> Self {
        Self::start_apart(program, kinde, store, 0).await
    }

    /// Starts two processes; the second one's clock is so many seconds ahead, or behind.
    pub async fn start_apart(program: &str, kinde: Environment, store: Value, ahead_seconds: i64) -> Self {
        let kinde = Arc::new(kinde);
        kinde.set_time(kinde.now());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        kinde.allow_callback(format!("{url}/api/auth/kinde_callback"));
        kinde.allow_logout_url(url.clone());
        let mut orders = json!({"variables": variables_of(&kinde, &url), "now": kinde.now()});
        orders.as_object_mut().unwrap().extend(store.as_object().unwrap().clone());
        let mut processes = Vec::new();
        for ahead_seconds in [0, ahead_seconds] {
            orders["now"] = kinde.now().saturating_add_signed(ahead_seconds).into();
            processes.push(Process::start(Path::new(program), &orders).await);
        }
        let ids: Vec<_> = processes.iter().map(|process| process.id).collect();
        println!("two processes: {} and {}", ids[0], ids[1]);
        assert!(ids[0] != ids[1] && !ids.contains(&u64::from(std::process::id())));
        let ports = Arc::new(Mutex::new(processes.iter().map(|process| process.port).collect()));
        tokio::spawn(balance(listener, Arc::clone(&ports)));
        Self { kinde, url, processes, ports }
    }

    /// Gives the ids of the processes.
    pub fn ids(&self) -> Vec<String> {
        self.processes.iter().map(|process| process.id.to_string()).collect()
    }

    /// From now on connections go to these processes alone.
    pub fn lead_to(&self, places: &[usize]) {
        *self.ports.lock().unwrap() = places.iter().map(|place| self.processes[*place].port).collect();
    }

    /// Ends the first process without a warning; connections go to the other one.
    pub async fn kill_first(&mut self) {
        self.processes.remove(0).child.kill().await.unwrap();
        self.lead_to(&[0]);
    }

    /// Lets time pass, for the environment and every process.
    pub async fn pass(&mut self, time: Duration) {
        self.kinde.set_time(self.kinde.now() + time.as_secs());
        for process in &mut self.processes {
            process.input.write_all(format!("advance {}\n", time.as_secs()).as_bytes()).await.unwrap();
            assert_eq!(process.output.next_line().await.unwrap().unwrap(), "done");
        }
    }

    /// Signs a person in, in a browser of their own; start and callback are answered by different processes.
    pub async fn signed_in(&self, person: &Person) -> Browser {
        let mut browser = Browser::default();
        let started = browser.go(&format!("{}/api/auth/login", self.url)).await;
        let callback = self.kinde.sign_in(&started.location.unwrap(), person).unwrap();
        let seen = browser.go(&callback).await;
        assert_eq!(seen.status, 303, "{seen:?}");
        browser
    }
}

impl Process {
    async fn start(program: &Path, orders: &Value) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        input.write_all(format!("{orders}\n").as_bytes()).await.unwrap();
        let told = output.next_line().await.unwrap().expect("the site's process started");
        let told: BTreeMap<String, u64> = serde_json::from_str(&told).unwrap();
        let port = u16::try_from(told["port"]).unwrap();
        Self { child, port, input, output, id: told["pid"] }
    }
}

/// Passes each connection to the next of the ports.
async fn balance(listener: TcpListener, ports: Arc<Mutex<Vec<u16>>>) {
    let count = AtomicUsize::new(0);
    while let Ok((mut browser, _)) = listener.accept().await {
        let port = {
            let ports = ports.lock().unwrap();
            ports[count.fetch_add(1, Ordering::Relaxed) % ports.len()]
        };
        tokio::spawn(async move {
            if let Ok(mut process) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = copy_bidirectional(&mut browser, &mut process).await;
            }
        });
    }
}
