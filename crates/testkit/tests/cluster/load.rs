//! `semel load` on several servers of one database, judged.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use semel_services::or_skip;
use semel_testkit::{
    SECRET, binary,
    cluster::{Cluster, Plan},
};
use serde_json::Value;
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use crate::people::patience;

/// The program, for the first two servers.
fn load(cluster: &Cluster, directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.env_clear().current_dir(directory);
    command.env("JWT_SECRET_KEY", SECRET);
    command
        .args(["load", "--check", "--json", "run.json"])
        .args(args);
    for address in &cluster.addresses()[..2] {
        command.args(["--url", &format!("http://{}", address.authority)]);
    }
    command
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// What came of a run.
fn run(directory: &Path) -> Value {
    let json = std::fs::read(directory.join("run.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    json["runs"][0].clone()
}

const MESSAGES: &str = "SELECT count(*) FROM log WHERE type = 'message'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_on_two_servers_is_judged_as_a_whole() {
    let Some(cluster) = or_skip(Cluster::start(Plan::default()).await) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    for (scenario, connections) in [("pairs", "10"), ("mixed", "20"), ("duplicate-storm", "12")] {
        let args = ["--scenario", scenario, "--connections", connections];
        let more = ["--rate", "20", "--duration", "2"];
        let mut command = load(&cluster, directory.path(), &[args, more].concat());
        let output = block_in_place(|| command.output()).unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let run = run(directory.path());
        assert_eq!(run["check"]["verdict"], "passed", "{run:#}");
        assert_eq!(run["achieved"]["failed"], 0, "{run:#}");
        assert_eq!(run["achieved"]["done"], run["achieved"]["asked"], "{run:#}");
    }
}

/// Its devices do not come back when they lose their connection. That is told, and is no defect of the servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_devices_that_were_cut_off_by_a_restart_are_told_of_and_the_others_are_judged() {
    let Some(mut cluster) = or_skip(Cluster::start(Plan::default()).await) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let args = ["--scenario", "pairs", "--connections", "12"];
    let more = ["--rate", "40", "--duration", "5"];
    let mut running = load(&cluster, directory.path(), &[args, more].concat());
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = running.spawn().unwrap();
    let begun = async {
        let count = || cluster.postgres.sql_in("semel", MESSAGES).unwrap();
        while block_in_place(count).parse::<u64>().unwrap() < 40 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(patience(), begun).await.expect("it begins");
    block_in_place(|| {
        cluster.servers[0].stop().unwrap();
        cluster.servers[0].restart().unwrap();
    });
    let output = block_in_place(|| running.wait_with_output()).unwrap();
    let run = run(directory.path());
    assert_eq!(run["check"]["verdict"], "passed", "{}", said(&output));
    assert_eq!(run["errors"]["connection lost"], 6, "{run:#}");
}
