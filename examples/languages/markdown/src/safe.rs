//! What a parser reads, made safe to be written as HTML, with the headings taken down on the way.
//!
//! Three things an author can say are not for a page of someone else's: HTML, addresses that run a script, and names
//! (`id`) that a script of the page's own might mean.

use std::collections::VecDeque;

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

use crate::links;
use crate::outline::{Heading, Outline};
use crate::settings::{RawHtml, Settings};

/// Events of a parser, as they may be written.
pub(crate) struct Safe<'a, 's, I> {
    events: I,
    settings: &'s Settings,
    outline: Outline,
    /// A heading's own events: its name is made of its text, which comes after its beginning.
    held: VecDeque<Event<'a>>,
    /// Whether each link and image that is open now is written.
    open: Vec<bool>,
}

impl<'a, 's, I: Iterator<Item = Event<'a>>> Safe<'a, 's, I> {
    pub(crate) fn new(events: I, settings: &'s Settings) -> Self {
        Self {
            events,
            settings,
            outline: Outline::default(),
            held: VecDeque::new(),
            open: Vec::new(),
        }
    }

    pub(crate) fn into_outline(self) -> Vec<Heading> {
        self.outline.into_headings()
    }

    /// The parser's next event that is written, as it is written.
    fn allowed(&mut self) -> Option<Event<'a>> {
        loop {
            let event = self.events.next()?;
            if let Some(event) = self.made_safe(event) {
                return Some(event);
            }
        }
    }

    fn made_safe(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => self.html(text),
            Event::Start(Tag::HtmlBlock) if self.escapes() => Some(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) if self.escapes() => Some(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::Link { ref dest_url, .. } | Tag::Image { ref dest_url, .. }) => {
                let leads = links::may_lead(dest_url, &self.settings.schemes);
                self.open.push(leads);
                leads.then_some(event)
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                self.open.pop().unwrap_or_default().then_some(event)
            }
            Event::FootnoteReference(name) => Some(Event::FootnoteReference(note(&name))),
            Event::Start(Tag::FootnoteDefinition(name)) => {
                Some(Event::Start(Tag::FootnoteDefinition(note(&name))))
            }
            other => Some(other),
        }
    }

    fn escapes(&self) -> bool {
        self.settings.raw_html == RawHtml::Escape
    }

    fn html(&self, text: CowStr<'a>) -> Option<Event<'a>> {
        match self.settings.raw_html {
            RawHtml::Escape => Some(Event::Text(text)),
            RawHtml::Drop => None,
            RawHtml::Keep => Some(Event::InlineHtml(text)),
        }
    }

    /// Holds a heading back to its end, and gives its beginning with the name that its text makes.
    fn heading(&mut self, mut beginning: Tag<'a>) -> Event<'a> {
        let mut text = String::new();
        while let Some(event) = self.allowed() {
            match &event {
                Event::Text(part) | Event::Code(part) => text.push_str(part),
                Event::SoftBreak | Event::HardBreak => text.push(' '),
                _ => {}
            }
            let is_end = matches!(event, Event::End(TagEnd::Heading(_)));
            self.held.push_back(event);
            if is_end {
                break;
            }
        }
        if let Tag::Heading { level, id, .. } = &mut beginning {
            *id = Some(self.outline.add(*level as u8, &text).into());
        }
        Event::Start(beginning)
    }
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Safe<'a, '_, I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if let Some(event) = self.held.pop_front() {
            return Some(event);
        }
        match self.allowed()? {
            Event::Start(tag @ Tag::Heading { .. }) => Some(self.heading(tag)),
            other => Some(other),
        }
    }
}

/// A footnote's name, which becomes an `id`.
fn note<'a>(name: &str) -> CowStr<'a> {
    format!("note-{name}").into()
}
