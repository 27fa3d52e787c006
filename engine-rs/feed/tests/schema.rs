//! The schema in the repository and the messages of this crate are the same.

use outcry_feed::{Layout, Message, SCHEMA_ID, SCHEMA_VERSION};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Message name, template id, and each field's name, primitive type and length.
type Written = (String, u16, Vec<(String, String, usize)>);

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element
        .attributes()
        .flatten()
        .find(|each| each.key.as_ref() == name);
    found.map(|each| each.value.into_owned())
}

fn needed(element: &BytesStart<'_>, name: &str) -> String {
    attribute(element, name).unwrap_or_else(|| panic!("{element:?} has no {name}"))
}

/// What the file says, and its schema id and version.
fn read(xml: &str) -> (Vec<Written>, u16, u16) {
    let (mut messages, mut types, mut of_schema) = (Vec::<Written>::new(), Vec::new(), (0, 0));
    let mut reader = Reader::from_str(xml);
    loop {
        let (element, name) = match reader.read_event().expect("well-formed") {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.local_name().as_ref().to_owned();
                (element.into_owned(), name)
            }
            Event::Eof => return (messages, of_schema.0, of_schema.1),
            _ => continue,
        };
        let number = |name| needed(&element, name).parse::<u16>().expect("a number");
        match name.as_str() {
            "messageSchema" => {
                assert_eq!(needed(&element, "byteOrder"), "littleEndian");
                of_schema = (number("id"), number("version"));
            }
            "type" => {
                let length = attribute(&element, "length")
                    .map_or(1, |length| length.parse().expect("a number"));
                types.push((
                    needed(&element, "name"),
                    needed(&element, "primitiveType"),
                    length,
                ));
            }
            "message" => messages.push((needed(&element, "name"), number("id"), Vec::new())),
            "field" => {
                let wanted = needed(&element, "type");
                let known = types.iter().find(|(name, _, _)| *name == wanted);
                let (primitive, length) = known
                    .map_or((wanted.clone(), 1), |(_, type_, length)| {
                        (type_.clone(), *length)
                    });
                let fields = &mut messages.last_mut().expect("inside of a message").2;
                assert_eq!(usize::from(number("id")), fields.len() + 1);
                fields.push((needed(&element, "name"), primitive, length));
            }
            _ => {}
        }
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1);
        made += &first.to_uppercase();
        made += rest;
    }
    made
}

#[test]
fn the_schema_says_what_the_encoder_writes() {
    let (written, id, version) = read(include_str!("../schema/feed.xml"));
    assert_eq!((id, version), (SCHEMA_ID, SCHEMA_VERSION));
    let coded: Vec<Written> = Message::LAYOUTS
        .iter()
        .map(
            |Layout {
                 name,
                 template,
                 fields,
             }| {
                let fields = fields
                    .iter()
                    .map(|field| (camel(field.name), field.primitive.to_owned(), field.length));
                ((*name).to_owned(), *template, fields.collect())
            },
        )
        .collect();
    assert_eq!(written, coded);
}
