//! The suite: nothing here knows which store it runs over.

mod appends;
mod races;
mod reads;

pub use appends::*;
pub use races::*;
pub use reads::*;

/// One test per name, over the store that `$make` makes; `ignored:` for one that has to be asked for.
#[macro_export]
macro_rules! conformance {
    (ignored: $make:path) => {
        $crate::conformance!(@all [#[ignore = "asks for a server at KURRENTDB_URL"]] $make);
    };
    ($make:path) => {
        $crate::conformance!(@all [] $make);
    };
    (@all $attributes:tt $make:path) => {
        $crate::conformance!(@each $attributes $make;
            an_append_succeeds_exactly_when_the_expected_head_is_the_stream_s,
            an_append_whose_answer_was_lost_is_answered_again,
            a_retry_that_overlaps_only_partly_is_a_conflict,
            the_same_append_sent_twice_at_once_is_stored_once,
            an_id_that_comes_again_at_the_right_revision_is_stored_again,
            what_no_store_takes_is_refused_and_nothing_is_stored,
            of_64_first_appends_to_one_stream_one_succeeds,
            appends_of_64_racing_writers_to_one_stream_are_all_stored_once,
            appends_of_64_racing_writers_to_many_streams_are_all_stored_once,
            a_follower_sees_every_event_once_and_in_order_while_others_write,
            an_acknowledged_append_is_seen_by_every_later_read,
            what_was_appended_is_read_to_the_byte,
            pages_of_every_size_show_the_same_log,
            an_empty_log_has_one_empty_page,
            the_page_of_a_quiet_log_reaches_its_head,
            a_stream_is_read_from_any_revision_in_parts_of_any_size,
            a_stream_that_does_not_exist_reads_as_empty,
            streams_do_not_see_each_other,
            an_append_of_many_events_is_stored_whole,
            the_hint_of_new_events_wakes_a_waiting_follower,
        );
    };
    (@each $attributes:tt $make:path; $($name:ident,)+) => {
        $($crate::conformance!(@one $attributes $make, $name);)+
    };
    (@one [$($attribute:tt)*] $make:path, $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        $($attribute)*
        async fn $name() {
            let subject = $make().await;
            $crate::suite::$name(&subject).await;
            drop(subject.store);
            drop(subject.keep);
        }
    };
}
