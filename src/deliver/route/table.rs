//! Routes names to the primaries that serve them.

use std::rc::Rc;

use tokio::time::{Instant, timeout_at};

use crate::deliver::error::Failure;
use crate::deliver::server::Primary;
use crate::model::{Intent, Name};

/// Which primary serves the names at and below a suffix.
pub struct Route {
    /// The suffix; the root covers all names.
    pub suffix: Name,
    /// The primary.
    pub primary: Rc<Primary>,
}

/// All routes, and all primaries.
pub struct Routes {
    routes: Vec<Route>,
    /// With or without a route.
    primaries: Vec<Rc<Primary>>,
}

impl Routes {
    /// Takes routes in any order, and all primaries.
    pub fn new(routes: Vec<Route>, primaries: Vec<Rc<Primary>>) -> Self {
        Self { routes, primaries }
    }

    /// Routes all names to one primary.
    pub fn of_all(primary: Rc<Primary>) -> Self {
        let suffix = Name::root();
        Self {
            primaries: vec![Rc::clone(&primary)],
            routes: vec![Route { suffix, primary }],
        }
    }

    /// Returns each suffix with its primary.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Primary)> {
        let routes = self.routes.iter();
        routes.map(|route| (&route.suffix, &*route.primary))
    }

    /// Adds the primary of an intent to a result that is from no primary.
    pub fn routed<T>(&self, intent: &Intent, result: T) -> Routed<T> {
        Routed {
            primary: self.primary_for(intent).cloned(),
            result,
        }
    }

    /// Works on an intent as soon as its primary has room for one more.
    pub(crate) async fn in_turn<T>(
        &self,
        intent: &Intent,
        deadline: Instant,
        work: impl AsyncFnOnce() -> RoutedResult<T>,
    ) -> RoutedResult<T> {
        let _turn = match self.primary_for(intent) {
            None => None,
            Some(primary) => match timeout_at(deadline, primary.pool.turns.acquire()).await {
                Ok(turn) => Some(turn.expect("the semaphore is never closed")),
                Err(_) => return self.routed(intent, Err(Failure::DeadlinePassed)),
            },
        };
        // On the heap: in a large call, most intents wait, and take no room meanwhile.
        Box::pin(work()).await
    }

    /// Returns the primary that an intent is about: that of its route, unless the intent names one.
    pub fn primary_for(&self, intent: &Intent) -> Option<&Rc<Primary>> {
        match intent.moved_from() {
            Some(name) => self.named(name),
            None => self.primary_of(&intent.name()),
        }
    }

    /// Returns the primary with a name in the configuration.
    pub fn named(&self, name: &str) -> Option<&Rc<Primary>> {
        self.primaries.iter().find(|primary| primary.name == name)
    }

    /// Returns the primary of the longest suffix that covers a name.
    pub fn primary_of(&self, name: &Name) -> Option<&Rc<Primary>> {
        let covering = self
            .routes
            .iter()
            .filter(|route| name.is_at_or_below(&route.suffix));
        covering
            .max_by_key(|route| route.suffix.label_count())
            .map(|route| &route.primary)
    }
}

/// A result, with the primary that it is from; `None` if no route leads to one.
pub struct Routed<T> {
    /// The primary.
    pub primary: Option<Rc<Primary>>,
    /// The result.
    pub result: T,
}

/// A result that is a failure if no route leads to a primary.
pub type RoutedResult<T> = Routed<Result<T, Failure>>;

impl<T> Routed<T> {
    /// Changes the result.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Routed<U> {
        Routed {
            primary: self.primary,
            result: change(self.result),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::deliver::{Engine, Policy, Stateless};
    use crate::model::{AbsentZone, Secret, Trust, ZoneName};
    use crate::wire::{Algorithm, Hash, Key};

    /// A call about 10,000 zones has so much for each of them.
    const WAITING_OCTETS_MAX: usize = 512;

    #[tokio::test]
    async fn an_intent_that_waits_for_its_turn_takes_little_room_and_no_time_beyond_the_deadline() {
        let secret = Secret::new(vec![0; 32]);
        let key = Key::new(
            "key.".parse().unwrap(),
            Algorithm::new(Hash::Sha256),
            secret,
        )
        .unwrap();
        let primary = Rc::new(Primary::plain("127.0.0.1".into(), 9, key, 1));
        let routes = Routes::of_all(Rc::clone(&primary));
        let (state, policy) = (Stateless::default(), Policy::plain(|| 0));
        let engine = Engine {
            routes: &routes,
            store: &state,
            policy: &policy,
            overlay: None,
        };
        let intent = Intent::ZoneAbsent(AbsentZone {
            name: ZoneName::new(&"example.".parse().unwrap()),
            trust: Trust::Operator,
            moved_from: None,
        });
        let all = u32::try_from(primary.pool.turns.available_permits()).unwrap();
        let taken = primary.pool.turns.acquire_many(all).await.unwrap();
        let waits = engine.deliver(&intent, Instant::now() + Duration::from_millis(1));
        let octets = size_of_val(&waits);
        assert!(octets <= WAITING_OCTETS_MAX, "{octets}");
        let failed = waits.await;
        assert!(matches!(failed.result, Err(Failure::DeadlinePassed)));
        assert_eq!(failed.primary.unwrap().name, primary.name);
        drop(taken);
    }
}
