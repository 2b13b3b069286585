//! The embedded API server without controllers, nodes or disk, for `cargo xtask differential`: what it answers depends on the
//! requests alone. `bare KUBECONFIG` writes that file and serves until its standard input closes.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a tool of the tests: it ends where anything is wrong

use std::io::Read;

use apistore::{Settings, Store};
use lockstep_apiserver::{Access, Api, Authority, Server, TokenKey};
use lockstep_core::to_json;
use runtime::{Clock, Shutdown};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = std::env::args_os().nth(1).unwrap();
    let settings = Settings { seed: 1, history: 20_000 };
    let api = Api::in_memory(Store::new(settings, Clock::system().since_epoch()), TokenKey::new([7; 64]));
    let authority = Authority::generate().unwrap();
    let admin = authority.user("admin", "system:masters").unwrap();
    let server = Server::bind(api.clone(), &authority, Access::default(), "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    std::fs::write(path, to_json(&authority.kubeconfig(&server.url(), &admin))).unwrap();
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    server.run(Shutdown::new()).await;
}
