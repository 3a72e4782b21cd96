//! nginx before a site: TLS with a certificate of its own, Debian's default buffers, and a `Host` of its own.

use std::{fs, time::Duration};

use super::process::{Folder, Process, User, free_port, in_path, run};

/// A running nginx; it ends with its handle.
pub struct Nginx {
    /// Ends before its files go.
    _process: Process,
    _folder: Folder,
    port: u16,
}

/// Starts nginx for `https://NAME:PORT`, passing everything on to `site_port` of this machine.
pub async fn nginx(name: &str, site_port: u16) -> Nginx {
    let user = User::unless_we_are_ordinary("www-data");
    let (folder, port) = (Folder::new("nginx", user), free_port());
    let subject = format!("/CN={name}");
    let openssl =
        in_path("openssl").unwrap_or_else(|| panic!("there is no openssl: install Debian's package"));
    let certificate = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let files = ["-keyout", "key.pem", "-out", "certificate.pem", "-days", "2", "-subj", &subject];
    run(&openssl, &[&certificate[..], &files[..]].concat(), user, &folder);
    let path = folder.path().display().to_string();
    // No buffer is named: those of nginx hold, 4 KiB for the head of an answer among them.
    let configuration = format!(
        "daemon off; worker_processes 1; pid {path}/pid; error_log {path}/log;
        events {{ worker_connections 64; }}
        http {{
            access_log off;
            client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;
            uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;
            server {{
                listen 127.0.0.1:{port} ssl;
                server_name {name};
                ssl_certificate {path}/certificate.pem;
                ssl_certificate_key {path}/key.pem;
                location / {{
                    proxy_pass http://127.0.0.1:{site_port};
                    proxy_set_header Host backend.internal;
                    proxy_set_header X-Forwarded-Proto $scheme;
                    proxy_set_header X-Forwarded-Host $http_host;
                }}
            }}
        }}"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let program = in_path("nginx")
        .or_else(|| Some("/usr/sbin/nginx".into()).filter(|path: &std::path::PathBuf| path.is_file()));
    let program =
        program.unwrap_or_else(|| panic!("there is no nginx: install Debian's package `nginx-light`"));
    let log = format!("{path}/log");
    let process = Process::start(&program, &["-e", &log, "-c", file.to_str().unwrap()], user, &folder);
    for _ in 0..ATTEMPTS {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Nginx { _process: process, _folder: folder, port };
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("nginx did not start:\n{}", process.log());
}

impl Nginx {
    /// Gives the port that browsers connect to.
    pub fn port(&self) -> u16 {
        self.port
    }
}

const ATTEMPTS: u32 = 600;

const PAUSE: Duration = Duration::from_millis(50);
