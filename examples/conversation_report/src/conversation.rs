use std::{collections::BTreeSet, fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};

/// The fields of a conversation that the report reads, as the API writes them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation {
    conversation_id: String,
    conversation_start: String,
    conversation_end: Option<String>,
    originating_direction: Option<String>,
    #[serde(default)]
    participants: Vec<Participant>,
}

#[derive(Debug, Deserialize)]
struct Participant {
    #[serde(default)]
    sessions: Vec<Session>,
}

#[derive(Debug, Deserialize)]
struct Session {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
}

/// A line of the output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) start: String,
    end: Option<String>,
    direction: Option<String>,
    /// Separated by spaces: a call that became a chat has both.
    pub(crate) media: String,
}

impl From<Conversation> for Row {
    fn from(conversation: Conversation) -> Self {
        let participants = conversation.participants.into_iter();
        let sessions = participants.flat_map(|person| person.sessions);
        let media: BTreeSet<_> = sessions.filter_map(|session| session.media_type).collect();
        Self {
            id: conversation.conversation_id,
            start: conversation.conversation_start,
            end: conversation.conversation_end,
            direction: conversation.originating_direction,
            media: media.into_iter().collect::<Vec<_>>().join(" "),
        }
    }
}

/// The format of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    JsonLines,
}

const HEADER: [&str; 5] = ["id", "start", "end", "direction", "media"];

impl Format {
    /// Returns the rows as bytes. The first rows of a file follow a header.
    pub(crate) fn encode(self, rows: &[Row], first: bool) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Csv => {
                let mut writer = csv::WriterBuilder::new();
                let mut writer = writer.has_headers(false).from_writer(&mut bytes);
                if first {
                    writer.write_record(HEADER)?;
                }
                for row in rows {
                    writer.serialize(row)?;
                }
                writer.flush()?;
            }
            Self::JsonLines => {
                for row in rows {
                    serde_json::to_writer(&mut bytes, row)?;
                    bytes.push(b'\n');
                }
            }
        }
        Ok(bytes)
    }

    /// Reads rows back, one after the other.
    pub(crate) fn decode<'a>(
        self,
        reader: impl io::BufRead + 'a,
    ) -> Box<dyn Iterator<Item = io::Result<Row>> + 'a> {
        match self {
            Self::Csv => {
                let rows = csv::Reader::from_reader(reader).into_deserialize();
                Box::new(rows.map(|row| row.map_err(io::Error::from)))
            }
            Self::JsonLines => {
                Box::new(reader.lines().map(|line| Ok(serde_json::from_str(&line?)?)))
            }
        }
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err("it is csv or jsonl"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        })
    }
}
