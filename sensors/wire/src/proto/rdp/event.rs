//! Builds the one event of a connection.

use super::message::{Client, Confirm, Info, Request, Server};
use super::registry;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// All fields that an `rdp` event can carry.
pub const FIELDS: &[Field] = &[
    Field::RdpCertType,
    Field::RdpChannels,
    Field::RdpClearTextPassword,
    Field::RdpClientBuild,
    Field::RdpClientName,
    Field::RdpClientProductId,
    Field::RdpClientRelease,
    Field::RdpColorDepth,
    Field::RdpCookie,
    Field::RdpDesktopHeight,
    Field::RdpDesktopWidth,
    Field::RdpEncryptionLevel,
    Field::RdpEncryptionMethod,
    Field::RdpFailure,
    Field::RdpFailureCode,
    Field::RdpKeyboardLayout,
    Field::RdpKeyboardLayoutCode,
    Field::RdpRequestedProtocols,
    Field::RdpRestrictedAdmin,
    Field::RdpResult,
    Field::RdpRoutingToken,
    Field::RdpSecurityProtocol,
    Field::UserDomain,
    Field::UserName,
];

/// What was seen of a connection's beginning.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) request: Option<Request>,
    pub(super) confirm: Option<Confirm>,
    pub(super) client: Option<Box<Client>>,
    pub(super) server: Option<Server>,
    pub(super) info: Option<Info>,
}

type Fields<'a> = Vec<(Field, Value<'a>)>;

impl Seen {
    /// True where the rest of the connection is TLS's.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.confirm, Some(Confirm::Selected(1..)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.request.is_none() && self.confirm.is_none() && self.client.is_none() && self.server.is_none()
    }

    /// Gives out the event.
    pub(super) fn emit(&self, cx: &mut Context<'_>) {
        let offered = self.request.as_ref().map(|request| registry::protocols(request.offered()));
        let offered: Vec<Value<'_>> = offered.unwrap_or_default().into_iter().map(text).collect();
        let channels = self.client.iter().flat_map(|client| &client.channels);
        let channels: Vec<Value<'_>> = channels.map(|name| Value::Text(name)).collect();
        let mut fields = Fields::with_capacity(FIELDS.len());
        self.push_request(&mut fields);
        if !offered.is_empty() {
            fields.push((Field::RdpRequestedProtocols, Value::List(&offered)));
        }
        self.push_confirm(&mut fields);
        self.push_client(&mut fields);
        if !channels.is_empty() {
            fields.push((Field::RdpChannels, Value::List(&channels)));
        }
        self.push_server(&mut fields);
        self.push_info(&mut fields);
        fields.sort_unstable_by_key(|field| field.0);
        cx.emit(EventKind::Rdp, &fields);
    }

    fn push_request<'a>(&'a self, fields: &mut Fields<'a>) {
        let Some(request) = &self.request else {
            let hidden = [
                Field::RdpCookie,
                Field::RdpRequestedProtocols,
                Field::RdpRestrictedAdmin,
                Field::RdpRoutingToken,
            ];
            return fields.extend(hidden.map(|field| (field, Value::Unobserved)));
        };
        let texts = [(Field::RdpCookie, &request.cookie), (Field::RdpRoutingToken, &request.routing_token)];
        fields
            .extend(texts.into_iter().filter_map(|(field, text)| Some((field, Value::Text(text.as_ref()?)))));
        let restricted =
            request.negotiation.map(|(flags, _)| (Field::RdpRestrictedAdmin, Value::Bool(flags & 1 != 0)));
        fields.extend(restricted);
    }

    fn push_confirm(&self, fields: &mut Fields<'_>) {
        match self.confirm {
            None if self.server.is_none() => {
                let hidden =
                    [Field::RdpFailure, Field::RdpFailureCode, Field::RdpResult, Field::RdpSecurityProtocol];
                fields.extend(hidden.map(|field| (field, Value::Unobserved)));
            }
            None => fields.push((Field::RdpSecurityProtocol, Value::Unobserved)),
            Some(Confirm::Plain) => fields.push((Field::RdpSecurityProtocol, text("RDP"))),
            Some(Confirm::Selected(number)) => {
                fields
                    .extend(registry::protocol(number).map(|name| (Field::RdpSecurityProtocol, text(name))));
                if number != 0 {
                    fields.push((Field::RdpResult, text("encrypted")));
                }
            }
            Some(Confirm::Failure(code)) => {
                let name = registry::failure(code).unwrap_or("UNKNOWN");
                fields.extend([
                    (Field::RdpFailure, text(name)),
                    (Field::RdpFailureCode, Value::Number(code.into())),
                    (Field::RdpResult, text(name)),
                ]);
            }
        }
    }

    fn push_client<'a>(&'a self, fields: &mut Fields<'a>) {
        let Some(client) = &self.client else {
            return self.push_hidden(fields, &OF_CLIENT);
        };
        let numbers = [
            (Field::RdpClientBuild, u64::from(client.build)),
            (Field::RdpDesktopHeight, u64::from(client.height)),
            (Field::RdpDesktopWidth, u64::from(client.width)),
            (Field::RdpKeyboardLayoutCode, u64::from(client.layout)),
        ];
        fields.extend(numbers.map(|(field, number)| (field, Value::Number(number))));
        fields.extend(client.color_depth.map(|depth| (Field::RdpColorDepth, Value::Number(depth.into()))));
        fields.push((Field::RdpClientName, Value::Text(&client.name)));
        if !client.product_id.is_empty() {
            fields.push((Field::RdpClientProductId, Value::Text(&client.product_id)));
        }
        let names = [
            (Field::RdpClientRelease, registry::release(client.build)),
            (Field::RdpKeyboardLayout, registry::layout(client.layout)),
        ];
        fields.extend(names.into_iter().filter_map(|(field, name)| Some((field, text(name?)))));
    }

    fn push_server(&self, fields: &mut Fields<'_>) {
        let Some(server) = &self.server else {
            self.push_hidden(fields, &OF_SERVER);
            if matches!(self.confirm, Some(Confirm::Plain | Confirm::Selected(0))) {
                fields.push((Field::RdpResult, Value::Unobserved));
            }
            return;
        };
        fields.push((Field::RdpResult, text(registry::result(server.result))));
        let (method, level) = server.encryption.unzip();
        let names = [
            (Field::RdpEncryptionMethod, method.and_then(registry::method)),
            (Field::RdpEncryptionLevel, level.and_then(registry::level)),
            (
                Field::RdpCertType,
                server.certificate.map(|version| if version == 2 { "X.509" } else { "RSA" }),
            ),
        ];
        fields.extend(names.into_iter().filter_map(|(field, name)| Some((field, text(name?)))));
    }

    fn push_info<'a>(&'a self, fields: &mut Fields<'a>) {
        let Some(info) = &self.info else {
            return self
                .push_hidden(fields, &[Field::RdpClearTextPassword, Field::UserDomain, Field::UserName]);
        };
        fields.push((Field::RdpClearTextPassword, Value::Bool(info.has_password)));
        let texts = [(Field::UserDomain, &info.domain), (Field::UserName, &info.user)];
        let filled = texts.into_iter().filter(|(_, text)| !text.is_empty());
        fields.extend(filled.map(|(field, text)| (field, Value::Text(text))));
    }

    /// What was said but could not be seen. After a refusal there is no such thing.
    fn push_hidden(&self, fields: &mut Fields<'_>, hidden: &[Field]) {
        if !matches!(self.confirm, Some(Confirm::Failure(_))) {
            fields.extend(hidden.iter().map(|field| (*field, Value::Unobserved)));
        }
    }
}

const OF_CLIENT: [Field; 10] = [
    Field::RdpChannels,
    Field::RdpClientBuild,
    Field::RdpClientName,
    Field::RdpClientProductId,
    Field::RdpClientRelease,
    Field::RdpColorDepth,
    Field::RdpDesktopHeight,
    Field::RdpDesktopWidth,
    Field::RdpKeyboardLayout,
    Field::RdpKeyboardLayoutCode,
];

const OF_SERVER: [Field; 3] = [Field::RdpCertType, Field::RdpEncryptionLevel, Field::RdpEncryptionMethod];

impl Request {
    fn offered(&self) -> u32 {
        self.negotiation.map_or(0, |(_, protocols)| protocols)
    }
}

fn text(name: &str) -> Value<'_> {
    Value::Text(name.as_bytes())
}
