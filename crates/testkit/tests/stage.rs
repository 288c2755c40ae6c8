//! What the fault harness stands on: a power cut forgets what was not forced onto the disk, clocks jump under a running
//! server, and whatever was mounted is gone afterwards.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{fs, io::Write, path::Path, time::Duration};

use semel_client::{Api, IdMaker};
use semel_protocol::{
    ThreadId, ThreadType, UserId,
    requests::{CreateOrGet, SendMessage},
};
use semel_testkit::{
    binary,
    faults::{Disk, Fault, Needs, Stage, StageError, until},
    now, random, skip, token,
};

const PATIENCE: Duration = Duration::from_secs(20);
const MINUTE_MILLIS: i64 = 60_000;

fn mounts() -> String {
    fs::read_to_string("/proc/mounts").unwrap()
}

#[test]
fn fault_d1_a_power_cut_forgets_what_was_not_forced_onto_the_disk() {
    let scratch = tempfile::tempdir().unwrap();
    let mut disk = match Disk::mount(scratch.path(), 32) {
        Ok(disk) => disk,
        Err(missing) => return skip(missing.part, &missing.reason),
    };
    let path = disk.path();
    assert!(mounts().contains(path.to_str().unwrap()));
    let write = |name: &str| {
        let mut file = fs::File::create(path.join(name)).unwrap();
        file.write_all(&[1; 10_000]).unwrap();
        file
    };
    write("forced").sync_all().unwrap();
    fs::File::open(&path).unwrap().sync_all().unwrap();
    let mut late = write("late");
    disk.cut_power().unwrap();
    late.write_all(b"more").unwrap_err();
    late.sync_all().unwrap_err();
    drop(late);
    disk.power_on().unwrap();
    assert_eq!(fs::read(path.join("forced")).unwrap(), [1; 10_000]);
    let late = fs::read(path.join("late")).unwrap_or_default();
    assert!(late.is_empty(), "{} bytes were not forgotten", late.len());

    disk.fill().unwrap();
    let full = fs::File::create(path.join("more")).and_then(|mut file| file.write_all(&[1; 4096]));
    assert!(full.is_err());
    disk.relieve().unwrap();
    write("more");
    drop(disk);
    assert!(!mounts().contains(path.to_str().unwrap()));
}

#[test]
fn a_disk_is_unmounted_after_a_panic_as_well() {
    let scratch = tempfile::tempdir().unwrap();
    let inner = scratch.path().to_owned();
    let outcome = std::panic::catch_unwind(|| {
        let _disk = Disk::mount(&inner, 32)
            .map_err(|missing| missing.reason)
            .unwrap();
        panic!("on purpose");
    });
    assert!(outcome.is_err());
    assert!(!mounts().contains(scratch.path().to_str().unwrap()));
}

async fn stage(scratch: &Path, disk_mebibytes: u64, has_clock: bool) -> Option<Stage> {
    let needs = Needs {
        binary: binary().to_owned(),
        scratch: scratch.to_owned(),
        seed: 1,
        disk_mebibytes,
        has_clock,
        has_proxy: false,
        is_lying: false,
    };
    match Stage::set(&needs).await {
        Ok(stage) => Some(stage),
        Err(StageError::Missing(missing)) => {
            skip(missing.part, &missing.reason);
            None
        }
        Err(StageError::Io(error)) => panic!("{error}"),
    }
}

struct Speaker {
    api: Api,
    thread: ThreadId,
    ids: IdMaker,
}

impl Speaker {
    async fn begin(stage: &Stage, name: &str) -> Self {
        let bob = Api::new(stage.address().clone(), &token("bob"));
        bob.get::<serde_json::Value>("/api/users/me").await.unwrap();
        let api = Api::new(stage.address().clone(), &token(name));
        let body = CreateOrGet {
            participants: vec![UserId::parse("bob").unwrap()],
            thread_type: Some(ThreadType::Direct),
            title: None,
            distinct: None,
            client_id: None,
        };
        let thread = api.create_or_get(&body).await.unwrap().data.thread.id;
        let ids = IdMaker::new(random());
        Self { api, thread, ids }
    }

    /// The server's time and the seq of a message.
    async fn say(&mut self) -> (i64, u64) {
        let body = SendMessage {
            client_id: self.ids.next(now()),
            content: "hello".to_owned(),
            kind: None,
            reply_to: None,
            attachments: vec![],
        };
        let sent = self.api.send(self.thread, &body, None).await.unwrap();
        (sent.data.message.created_at.0, sent.data.message.seq)
    }
}

/// The server's clock compared to the right one, in milliseconds: a thread's times never go back, those of a new one show
/// it.
async fn difference(stage: &Stage) -> i64 {
    let name = format!("newcomer-{:x}", random() as u64);
    Speaker::begin(stage, &name).await.say().await.0 - now().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_t1_the_clock_jumps_under_a_running_server_and_numbers_and_times_go_on() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(mut stage) = stage(scratch.path(), 0, true).await else {
        return;
    };
    let mut speaker = Speaker::begin(&stage, "ann").await;
    let (mut last_time, mut last_seq) = (0, 0);
    let mut goes_on = async || {
        let (time, seq) = speaker.say().await;
        assert!(time >= last_time && seq == last_seq + 1, "{time} {seq}");
        (last_time, last_seq) = (time, seq);
    };
    for hours in [24, -1] {
        let seconds = hours * 3_600;
        let fault = Fault::ClockJump { seconds };
        stage.begin(&fault).await.unwrap();
        until("the server has another time", PATIENCE, async || {
            goes_on().await;
            (difference(&stage).await - seconds * 1_000).abs() < MINUTE_MILLIS
        })
        .await
        .unwrap();
        stage.heal(&fault).await.unwrap();
    }
    let fault = Fault::ClockDrift { seconds_back: 600 };
    stage.begin(&fault).await.unwrap();
    until("the clock has gone back twice", PATIENCE, async || {
        goes_on().await;
        difference(&stage).await < -19 * MINUTE_MILLIS
    })
    .await
    .unwrap();
    stage.heal(&fault).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d1_a_server_comes_back_after_a_power_cut_and_a_restart() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(mut stage) = stage(scratch.path(), 64, false).await else {
        return;
    };
    let mut speaker = Speaker::begin(&stage, "ann").await;
    for round in 1..=6 {
        assert_eq!(speaker.say().await.1, round);
        let fault = if round % 2 == 0 {
            Fault::PowerCut
        } else {
            Fault::Restart
        };
        stage.begin(&fault).await.unwrap();
        stage.heal(&fault).await.unwrap();
        let address = stage.address().clone();
        speaker.api = Api::new(address, &token("ann"));
    }
}
