//! Bugs of what is folded for slow readers, as a saboteur plays them.

use crate::sabotage::Sabotage;
use foregather::{domain::Announcement, hub::Waiting, registry::News};

/// What is folded instead of what has happened, if anything is.
pub fn bend_news(sabotage: Sabotage, news: &News) -> Option<News> {
    let announcement = &news.announcement;
    let leaves = matches!(announcement, Announcement::Unregistered { .. });
    match sabotage {
        Sabotage::FoldNoLeave if leaves => None,
        Sabotage::CancelSeen => Some(News { is_first: true, ..news.clone() }),
        _ => Some(news.clone()),
    }
}

/// In which order what was folded follows.
pub fn bend_part(sabotage: Sabotage, mut part: Vec<Waiting>) -> Vec<Waiting> {
    if sabotage == Sabotage::Reorder {
        part.reverse();
    }
    part
}
