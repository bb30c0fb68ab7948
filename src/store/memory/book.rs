use std::time::Duration;

use super::{MemoryStore, lock};
use crate::store::{
    Operation, StoreFuture, StoreKey,
    book::{Book, Grant, Refusal, Reservation, SlotBook},
};

impl SlotBook for MemoryStore {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        let act = move |now| self.open(key, |book| book.reserve(reservation, now));
        Box::pin(self.carry_out(Operation::Reserve, act))
    }

    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration> {
        let act = move |now| {
            self.open(key, |book| book.refuse(refusal, now));
            now
        };
        Box::pin(self.carry_out(Operation::Refuse, act))
    }
}

impl MemoryStore {
    fn open<T>(&self, key: &StoreKey, change: impl FnOnce(&mut Book) -> T) -> T {
        let now = self.now();
        let mut books = lock(&self.inner.books);
        // Bounds the memory: a store that serves many clients keeps only the
        // books in use.
        books.retain(|other, book| other == key.as_bytes() || !book.is_over(now));
        change(books.entry(*key.as_bytes()).or_default())
    }
}
