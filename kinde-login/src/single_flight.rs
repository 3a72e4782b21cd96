//! One exchange at a time for each key, however many ask for it.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

/// Exchanges under way, by what they are for.
pub(crate) struct SingleFlight<K, T> {
    under_way: Arc<Mutex<HashMap<K, watch::Receiver<Option<T>>>>>,
}

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self { under_way: Arc::default() }
    }
}

impl<K, T> SingleFlight<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Runs an exchange, or waits for the one that runs. It goes on when everybody who waits hangs up: what it asks for
    /// may be given once only.
    ///
    /// `None` when it ended without a result: it panicked, or the runtime ended.
    pub(crate) async fn run<F>(&self, key: K, exchange: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (mut receiver, begun) = self.join_or_begin(&key);
        // Outside of the lock: a runtime that ends drops the task at once, and with it the landing, which locks again.
        if let Some((sender, landing)) = begun {
            let exchange = exchange();
            tokio::spawn(async move {
                let result = exchange.await;
                // Off the list first: whoever comes now finds the result where the exchange has put it.
                drop(landing);
                sender.send_replace(Some(result));
            });
        }
        receiver.wait_for(Option::is_some).await.ok().and_then(|result| result.clone())
    }

    /// Joins the exchange under way, or puts a new one on the list.
    fn join_or_begin(&self, key: &K) -> (watch::Receiver<Option<T>>, Option<Begun<K, T>>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receiver) = under_way.get(key) {
            return (receiver.clone(), None);
        }
        let (sender, receiver) = watch::channel(None);
        under_way.insert(key.clone(), receiver.clone());
        let landing = Landing { under_way: Arc::clone(&self.under_way), key: key.clone() };
        (receiver, Some((sender, landing)))
    }
}

/// A place on the list, to be filled.
type Begun<K, T> = (watch::Sender<Option<T>>, Landing<K, T>);

/// Takes an exchange off the list, also when it panics.
struct Landing<K: Eq + Hash, T> {
    under_way: Arc<Mutex<HashMap<K, watch::Receiver<Option<T>>>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl<K, T> fmt::Debug for SingleFlight<K, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SingleFlight")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_askers_share_one_exchange_and_the_next_one_is_new() {
        let flights: Arc<SingleFlight<u8, usize>> = Arc::default();
        let count = Arc::new(AtomicUsize::new(0));
        for round in 1..=2 {
            let mut asking = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (flights, count) = (Arc::clone(&flights), Arc::clone(&count));
                asking.spawn(async move {
                    let exchange = || async move {
                        tokio::task::yield_now().await;
                        count.fetch_add(1, Ordering::SeqCst) + 1
                    };
                    flights.run(1, exchange).await
                });
            }
            assert!(asking.join_all().await.into_iter().all(|result| result == Some(round)));
        }
    }

    /// covers: J5
    #[tokio::test]
    async fn exchange_that_panics_leaves_the_way_free() {
        let flights: SingleFlight<u8, ()> = SingleFlight::default();
        assert_eq!(flights.run(1, || async { panic!("as a test") }).await, None);
        assert_eq!(flights.run(1, || async {}).await, Some(()));
    }

    /// covers: J5
    #[tokio::test]
    async fn exchange_goes_on_when_its_first_asker_hangs_up() {
        let flights: Arc<SingleFlight<u8, u8>> = Arc::default();
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let first = Arc::clone(&flights);
        let asking = tokio::spawn(async move {
            let exchange = || async move {
                let _ = released.await;
                7
            };
            first.run(1, exchange).await
        });
        tokio::task::yield_now().await;
        asking.abort();
        let second = Arc::clone(&flights);
        let asking = tokio::spawn(async move { second.run(1, || async { 8 }).await });
        tokio::task::yield_now().await;
        release.send(()).unwrap();
        assert_eq!(asking.await.unwrap(), Some(7));
    }

    /// covers: J8
    #[test]
    fn exchange_on_a_runtime_that_has_ended_ends_at_once() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let flights: SingleFlight<u8, ()> = SingleFlight::default();
        let mut running = std::pin::pin!(flights.run(1, || async {}));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert_eq!(running.as_mut().poll(&mut context), std::task::Poll::Ready(None));
        assert!(flights.under_way.lock().unwrap().is_empty());
    }
}
