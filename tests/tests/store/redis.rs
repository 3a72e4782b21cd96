//! The inbox in Redis: what its store alone can do to it.

use std::time::Duration;

use kinde_tests::servers::{self, Proxy, Redis};
use kinde_webhook::{
    EventKey, Inbox, InboxError, Lease,
    inbox::{ParkedEvent, RedisInbox},
};
use redis::{
    AsyncCommands,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::{
    conformance::{self, Stage, TERMS, key, look, take},
    event, fire,
};

/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn redis_does_what_every_inbox_must_do() {
    let server = servers::redis().await;
    conformance::all(&InRedis::of(&server).await, &event().await).await;
}

/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_delivered_three_times_through_two_connections_are_handled_once_each() {
    let server = servers::redis().await;
    let inboxes = [InRedis::of(&server).await.inbox, InRedis::of(&server).await.inbox];
    assert_eq!(fire::handled_twice(&inboxes).await, Vec::<EventKey>::new());
}

/// covers: H7
#[tokio::test]
async fn crash_of_a_durable_redis_between_reserve_and_confirm_loses_nothing() {
    let mut server = servers::own_redis(true).await;
    let inbox = InRedis::of(&server).await.inbox;
    let (mine, done) = (take(&inbox, &key("mine")).await, take(&inbox, &key("done")).await);
    inbox.confirm(&done).await.unwrap();

    server.restart().await;
    let inbox = InRedis::of(&server).await.inbox;

    assert_eq!(look(&inbox, &key("mine")).await, "in flight");
    assert_eq!(look(&inbox, &key("done")).await, "handled");
    inbox.confirm(&mine).await.unwrap();
    assert_eq!(look(&inbox, &key("mine")).await, "handled");
}

/// What the documentation says of a Redis without persistence: an event can run twice. One that was being handled
/// is remembered by its confirmation.
#[tokio::test]
async fn crash_of_a_forgetful_redis_forgets_what_was_handled() {
    let mut server = servers::own_redis(false).await;
    let inbox = InRedis::of(&server).await.inbox;
    let (mine, done) = (take(&inbox, &key("mine")).await, take(&inbox, &key("done")).await);
    inbox.confirm(&done).await.unwrap();

    server.restart().await;
    let inbox = InRedis::of(&server).await.inbox;

    inbox.confirm(&mine).await.unwrap();
    assert_eq!(look(&inbox, &key("mine")).await, "handled");
    assert_eq!(look(&inbox, &key("done")).await, "yours");
}

#[tokio::test]
async fn connection_comes_back_by_itself_after_a_restart() {
    let mut server = servers::own_redis(true).await;
    let inbox = InRedis::of(&server).await.inbox;
    inbox.confirm(&take(&inbox, &key("one")).await).await.unwrap();
    server.restart().await;
    let mut answers = Vec::new();
    while answers.last() != Some(&"handled") && answers.len() < 10_000 {
        match inbox.reserve(&key("one"), TERMS).await {
            Ok(_) => answers.push("handled"),
            Err(InboxError::Unavailable(_)) => answers.push("unavailable"),
            Err(other) => panic!("{other}"),
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(answers.last(), Some(&"handled"), "after {} answers", answers.len());
    assert_eq!(look(&inbox, &key("one")).await, "handled");
}

/// covers: H8
#[tokio::test]
async fn redis_that_is_down_is_unavailable_by_the_deadline() {
    let mut server = servers::own_redis(false).await;
    let inbox = InRedis::of(&server).await.inbox.with_deadline(Duration::from_millis(200));
    server.crash();
    let down = inbox.reserve(&key("one"), TERMS).await;
    assert!(matches!(down, Err(InboxError::Unavailable(_))), "{down:?}");
}

/// covers: H7
#[tokio::test]
async fn full_redis_refuses_the_new_and_remembers_the_old() {
    let server = servers::own_redis(false).await;
    let stage = InRedis::of(&server).await;
    let inbox = stage.inbox();
    inbox.confirm(&take(inbox, &key("old")).await).await.unwrap();
    let mut connection = server.connection().await;
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).query_async::<()>(&mut connection).await.unwrap();
    let full = inbox.reserve(&key("new"), TERMS).await;
    assert!(matches!(full, Err(InboxError::Unavailable(_))), "{full:?}");
    assert_eq!(look(inbox, &key("old")).await, "handled");
}

/// The answer to a confirmation is lost: at the next delivery the event is known, and a repetition holds.
#[tokio::test]
async fn connection_cut_during_confirm_leaves_an_outcome_that_can_be_asked_for() {
    let server = servers::own_redis(false).await;
    let direct = InRedis::of(&server).await.inbox;
    let proxy = Proxy::to(server.port()).await;
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", proxy.port())).unwrap();
    let patient = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    let connection = ConnectionManager::new_with_config(client, patient).await.unwrap();
    let inbox = RedisInbox::new(connection).with_prefix(server.prefix());
    inbox.confirm(&take(&inbox, &key("warm-up")).await).await.unwrap();
    let lease = take(&inbox, &key("cut")).await;

    proxy.swallow_answers();
    let cut = inbox.confirm(&lease).await;
    proxy.heal();

    assert!(matches!(cut, Err(InboxError::Unavailable(_))), "{cut:?}");
    assert_eq!(look(&direct, &key("cut")).await, "handled");
    direct.confirm(&lease).await.unwrap();
}

#[tokio::test]
async fn parked_events_are_listed_up_to_a_limit_and_leave_with_their_time() {
    let server = servers::redis().await;
    let stage = InRedis::of(&server).await;
    let (inbox, event) = (stage.inbox(), event().await);
    for name in ["c", "a", "b"] {
        inbox.park(&take(inbox, &key(name)).await, &event, name).await.unwrap();
    }
    let reasons =
        |parked: Vec<ParkedEvent>| parked.iter().map(|it| it.reason().to_owned()).collect::<Vec<_>>();
    assert_eq!(reasons(inbox.parked(0).await.unwrap()), Vec::<String>::new());
    assert_eq!(inbox.parked(2).await.unwrap().len(), 2);
    assert_eq!(inbox.parked(usize::MAX).await.unwrap().len(), 3);
    let lost = inbox.park(&Lease::new(key("a"), 7, TERMS), &event, "not mine").await;
    assert!(matches!(lost, Err(InboxError::LeaseLost)), "{lost:?}");
    stage.pass(Duration::from_secs(29 * 24 * 3600)).await;
    assert_eq!(inbox.parked(usize::MAX).await.unwrap().len(), 3);
    stage.pass(Duration::from_secs(24 * 3600)).await;
    assert_eq!(inbox.parked(usize::MAX).await.unwrap().len(), 0);
}

/// Each park of another setting touches the index that all share.
#[tokio::test]
async fn parked_events_of_inboxes_with_different_times_are_listed_for_as_long_as_they_exist() {
    let server = servers::redis().await;
    let stage = InRedis::of(&server).await;
    let (month, event, day) = (stage.inbox(), event().await, Duration::from_secs(24 * 3600));
    let week = month.clone().with_parked_for(7 * day);
    let listed = async || {
        let parked = month.parked(usize::MAX).await.unwrap();
        parked.iter().map(|parked| parked.reason().to_owned()).collect::<Vec<_>>()
    };
    month.park(&take(month, &key("a")).await, &event, "30 days").await.unwrap();
    stage.pass(10 * day).await;
    week.park(&take(&week, &key("b")).await, &event, "7 days").await.unwrap();
    assert_eq!(listed().await, ["7 days", "30 days"], "in the order in which they go");
    stage.pass(8 * day).await;
    week.park(&take(&week, &key("c")).await, &event, "7 days, later").await.unwrap();
    assert_eq!(listed().await, ["7 days, later", "30 days"]);
    stage.pass(11 * day).await;
    assert_eq!(listed().await, ["30 days"]);
    let reopened = stage.reopen(&key("a")).await.expect("it is parked");
    month.release(&reopened).await.unwrap();
    stage.pass(day + TERMS.lease).await;
    week.park(&take(&week, &key("d")).await, &event, "the last").await.unwrap();
    assert_eq!(listed().await, ["30 days", "the last"], "by being reopened it stays for `keep`");
    stage.pass(30 * day).await;
    assert_eq!(listed().await, Vec::<String>::new());
}

/// Time passes by making every key's life shorter, and what the index says of it.
struct InRedis {
    inbox: RedisInbox<ConnectionManager>,
    connection: ConnectionManager,
    prefix: String,
}

impl InRedis {
    async fn of(server: &Redis) -> Self {
        let connection = server.connection().await;
        let inbox = RedisInbox::new(connection.clone()).with_prefix(server.prefix());
        let inbox = inbox.with_deadline(Duration::from_secs(60));
        Self { inbox, connection, prefix: server.prefix().to_owned() }
    }
}

impl Stage for InRedis {
    type Inbox = RedisInbox<ConnectionManager>;

    fn inbox(&self) -> &Self::Inbox {
        &self.inbox
    }

    async fn pass(&self, time: Duration) {
        let mut connection = self.connection.clone();
        let millis = i64::try_from(time.as_millis()).unwrap();
        let keys: Vec<Vec<u8>> = connection.keys(format!("{}event:*", self.prefix)).await.unwrap();
        for key in keys {
            let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
            connection.pexpire::<_, ()>(&key, left - millis).await.unwrap();
            let taken: Option<i64> = connection.hget(&key, "taken_until").await.unwrap();
            if let Some(taken) = taken.filter(|_| left > millis) {
                connection.hset::<_, _, _, ()>(&key, "taken_until", taken - millis).await.unwrap();
            }
        }
        let index = format!("{}parked", self.prefix);
        let entries: Vec<Vec<u8>> = connection.zrange(&index, 0, -1).await.unwrap();
        for entry in entries {
            connection.zincr::<_, _, _, ()>(&index, entry, -millis).await.unwrap();
        }
        let left: i64 = redis::cmd("PTTL").arg(&index).query_async(&mut connection).await.unwrap();
        connection.pexpire::<_, ()>(&index, left - millis).await.unwrap();
    }

    async fn parked(&self) -> Vec<ParkedEvent> {
        self.inbox.parked(1000).await.unwrap()
    }

    async fn reopen(&self, key: &EventKey) -> Option<Lease> {
        self.inbox.reopen(key, TERMS).await.unwrap()
    }
}
