//! Redis.

use std::time::{Duration, Instant};

use semel_services::{Redis, or_skip};

#[test]
fn a_killed_redis_has_forgotten_everything() {
    let directory = tempfile::tempdir().unwrap();
    let Some(redis) = or_skip(Redis::start(directory.path())) else {
        return;
    };
    let address = redis.address();
    assert_eq!(redis.command(&["SET", "a", "b c"]).unwrap(), "OK");
    assert_eq!(redis.command(&["GET", "a"]).unwrap(), "b c");
    redis.command(&["SET", "n", "1"]).unwrap();
    assert_eq!(redis.command(&["INCR", "n"]).unwrap(), "2");
    assert_eq!(redis.command(&["MGET", "a", "n", "x"]).unwrap(), "b c\n2\n");
    redis.command(&["NONSENSE"]).unwrap_err();
    redis.kill().unwrap();
    redis.kill().unwrap();
    redis.command(&["PING"]).unwrap_err();
    redis.restart().unwrap();
    assert_eq!(redis.address(), address);
    assert_eq!(redis.command(&["GET", "a"]).unwrap(), "");
}

#[test]
fn redis_sleeps_when_told_and_is_paused() {
    let directory = tempfile::tempdir().unwrap();
    let Some(redis) = or_skip(Redis::start(directory.path())) else {
        return;
    };
    let asked = Instant::now();
    assert_eq!(redis.command(&["DEBUG", "SLEEP", "0.2"]).unwrap(), "OK");
    assert!(asked.elapsed() >= Duration::from_millis(200));
    redis.pause().unwrap();
    std::thread::scope(|scope| {
        let ping = scope.spawn(|| redis.command(&["PING"]));
        std::thread::sleep(Duration::from_millis(200));
        assert!(!ping.is_finished(), "nobody answers");
        redis.resume().unwrap();
        assert_eq!(ping.join().unwrap().unwrap(), "PONG");
    });
}
