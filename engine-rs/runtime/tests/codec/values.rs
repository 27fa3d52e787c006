//! Values of every field's type, edges among them.

use proptest::prelude::*;

pub fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(-1),
        Just(i64::MAX),
        Just(i64::MIN),
        any::<i64>(),
        0..1000i64
    ]
}

pub fn natural() -> impl Strategy<Value = u64> {
    number().prop_map(i64::cast_unsigned)
}

pub fn small() -> impl Strategy<Value = i32> {
    prop_oneof![-3..10i32, Just(i32::MAX), Just(i32::MIN), any::<i32>()]
}

pub fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}
