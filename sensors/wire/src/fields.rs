//! The one table of fields that events can carry.
//!
//! Names are ECS names (ECS 8.17); what ECS has no name for lives under `bavn.`.
//! The table is sorted by name, so that a writer can print nested JSON in one pass.

/// What a field's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Bytes as seen on the wire, text by custom; not always UTF-8.
    Text,
    /// A whole number.
    Number,
    /// A fraction.
    Float,
    /// True or false.
    Bool,
    /// An IPv4 or IPv6 address.
    Ip,
    /// Nanoseconds since the Unix epoch, UTC.
    Time,
}

/// One row of the field table.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// ECS name, dotted.
    pub name: &'static str,
    /// Type of a single value.
    pub ty: FieldType,
    /// True where the field carries a list.
    pub list: bool,
    /// True where the field is for rules only and never printed (raw views).
    pub hidden: bool,
    /// Meaning, unit and source.
    pub doc: &'static str,
}

macro_rules! flag {
    ($row:ident list) => {
        $row.list = true;
    };
    ($row:ident hidden) => {
        $row.hidden = true;
    };
}

macro_rules! fields {
    ($($ident:ident = $name:literal $ty:ident $($flag:ident)*, $doc:literal;)*) => {
        /// A field by its number; the number is the row in [`FIELDS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Field { $(#[doc = $doc] $ident,)* }

        /// All fields, sorted by name.
        pub const FIELDS: &[FieldDef] = &[$({
            #[allow(unused_mut)]
            let mut row = FieldDef { name: $name, ty: FieldType::$ty, list: false, hidden: false, doc: $doc };
            $(flag!(row $flag);)*
            row
        },)*];

        const ALL: &[Field] = &[$(Field::$ident,)*];
    };
}

// Keep sorted by name (a test holds it).
fields! {
    DnsFlagAa = "bavn.dns.aa" Bool hidden, "True where the answer is authoritative (AA)";
    DnsAdditionalCount = "bavn.dns.additional_count" Number, "Additional records that the header announces";
    DnsAnswerCount = "bavn.dns.answer_count" Number, "Answer records that the header announces";
    DnsAuthorityCount = "bavn.dns.authority_count" Number, "Authority records that the header announces";
    DnsQuestionClassCode = "bavn.dns.question_class_code" Number, "QCLASS by number";
    DnsQuestionLength = "bavn.dns.question_length" Number, "Length of the question's name in bytes of its text form";
    DnsQuestionTypeCode = "bavn.dns.question_type_code" Number, "QTYPE by number (RFC 1035 3.2.3)";
    DnsFlagRa = "bavn.dns.ra" Bool hidden, "True where recursion is available (RA)";
    DnsFlagRd = "bavn.dns.rd" Bool hidden, "True where recursion is desired (RD)";
    DnsRejected = "bavn.dns.rejected" Bool, "True when the server answered with an error other than NXDOMAIN, or with REFUSED, and gave no answer";
    DnsRcodeNumber = "bavn.dns.response_code_number" Number, "RCODE by number, with the extended bits of EDNS (RFC 6891 6.1.3)";
    DnsRtt = "bavn.dns.rtt" Number, "Nanoseconds from query to answer";
    DnsFlagTc = "bavn.dns.tc" Bool hidden, "True where the message was cut (TC), of the answer where one was seen";
    DnsFlagZ = "bavn.dns.z" Number, "The reserved Z bits of the header as a number, 0 to 7 with AD and CD (RFC 1035 4.1.1); of the query where one was seen";
    FlowHistory = "bavn.flow.history" Text, "What the flow did, in Zeek's letters: S h A D d F f R r, upper case from the originator";
    FlowMissedBytes = "bavn.flow.missed_bytes" Number, "Bytes of the stream that were never seen, both directions";
    FlowReason = "bavn.flow.reason" Text, "Why the record was written: end, timeout, update, evicted, shutdown";
    FlowService = "bavn.flow.service" Text, "Protocol found by content: dns, http, tls; absent where none was";
    FlowState = "bavn.flow.state" Text, "State of the conversation in Zeek's words: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH";
    HttpRaw = "bavn.http.raw" Text hidden, "Raw view that keyword rules search: request line and headers";
    HttpRequestAuthorization = "bavn.http.request.authorization" Text, "Value of the Authorization header";
    HttpRequestCookie = "bavn.http.request.cookie" Text, "Value of the Cookie header";
    HttpHeaderNames = "bavn.http.request.header_names" Text list, "Names of the request's headers in their order, upper case as Zeek gives them";
    HttpRequestHeaders = "bavn.http.request.headers" Text list hidden, "Request headers, each 'Name: value'";
    HttpRequestOrigin = "bavn.http.request.origin" Text, "Value of the Origin header";
    HttpXForwardedFor = "bavn.http.request.x_forwarded_for" Text, "Value of the X-Forwarded-For header";
    HttpResponseHeaders = "bavn.http.response.headers" Text list hidden, "Response headers, each 'Name: value'";
    HttpResponseLocation = "bavn.http.response.location" Text, "Value of the Location header";
    HttpResponseReason = "bavn.http.response.reason" Text, "Reason phrase of the response";
    HttpResponseServer = "bavn.http.response.server" Text, "Value of the Server header";
    HttpTransactionDepth = "bavn.http.transaction_depth" Number, "Ordinal of the request in its connection, from 1";
    TlsAlert = "bavn.tls.alert" Text, "Alert in clear text that ended the handshake, else the first warning, by name; unknown where it has none (RFC 8446 6)";
    TlsClientAlpn = "bavn.tls.client.alpn" Text list, "Protocols the client offers (ALPN, RFC 7301)";
    TlsClientExtensions = "bavn.tls.client.extensions" Number list, "Extension types of the ClientHello in their order, GREASE left out";
    TlsClientVersion = "bavn.tls.client.version" Text, "Highest version the client offers";
    TlsServerChainLength = "bavn.tls.server.chain_length" Number, "Certificates that the server sent";
    TlsServerExpired = "bavn.tls.server.expired" Bool, "True when the packet's time lies outside the first certificate's validity";
    TlsServerSelfSigned = "bavn.tls.server.self_signed" Bool, "True when issuer and subject of the first certificate are equal";
    WeirdDetail = "bavn.weird.detail" Text, "What was seen, in short";
    WeirdName = "bavn.weird.name" Text, "Name of the anomaly; docs list them";
    WeirdProtocol = "bavn.weird.protocol" Text, "Protocol in which it was seen";
    DestinationAddress = "destination.address" Text, "Destination as text; the IP address where no name is known";
    DestinationBytes = "destination.bytes" Number, "Bytes of IP packets from the responder";
    DestinationIp = "destination.ip" Ip, "Address of the responder";
    DestinationMac = "destination.mac" Text, "Link address of the responder, first seen, ECS form AA-BB-CC-DD-EE-FF";
    DestinationPackets = "destination.packets" Number, "Packets from the responder";
    DestinationPort = "destination.port" Number, "Port of the responder";
    DnsAnswersClass = "dns.answers.class" Text list, "Class of each answer";
    DnsAnswersData = "dns.answers.data" Text list, "Data of each answer as text";
    DnsAnswersName = "dns.answers.name" Text list, "Owner of each answer";
    DnsAnswersTtl = "dns.answers.ttl" Number list, "Time to live of each answer, seconds";
    DnsAnswersType = "dns.answers.type" Text list, "Type of each answer by name, TYPEn where it has none (RFC 3597)";
    DnsHeaderFlags = "dns.header_flags" Text list, "Flags that are set: AA TC RD RA AD CD DO";
    DnsId = "dns.id" Text, "Identifier of the message, decimal";
    DnsOpCode = "dns.op_code" Text, "Operation: QUERY IQUERY STATUS NOTIFY UPDATE";
    DnsQuestionClass = "dns.question.class" Text, "Class asked for";
    DnsQuestionName = "dns.question.name" Text, "Name asked for, as on the wire, without the last dot";
    DnsQuestionType = "dns.question.type" Text, "Type asked for by name, TYPEn where it has none (RFC 3597)";
    DnsResolvedIp = "dns.resolved_ip" Ip list, "Addresses among the answers";
    DnsResponseCode = "dns.response_code" Text, "Response code by name";
    DnsType = "dns.type" Text, "query where no answer was seen, else answer";
    EventAction = "event.action" Text, "What happened, in one word";
    EventDuration = "event.duration" Number, "Nanoseconds from first to last packet";
    EventEnd = "event.end" Time, "Time of the last packet";
    EventStart = "event.start" Time, "Time of the first packet";
    FileName = "file.name" Text, "Name of a transferred file";
    HttpRequestBodyBytes = "http.request.body.bytes" Number, "Bytes of the request's body as announced (Content-Length), or counted until the response began";
    HttpRequestMethod = "http.request.method" Text, "Method as on the wire";
    HttpRequestMimeType = "http.request.mime_type" Text, "Content-Type of the request without parameters";
    HttpRequestReferrer = "http.request.referrer" Text, "Value of the Referer header";
    HttpResponseBodyBytes = "http.response.body.bytes" Number, "Content-Length of the response; absent where it has none";
    HttpResponseMimeType = "http.response.mime_type" Text, "Content-Type of the response without parameters, as the server says it";
    HttpResponseStatusCode = "http.response.status_code" Number, "Status code";
    HttpVersion = "http.version" Text, "0.9, 1.0 or 1.1: of the request, of the response where no request was seen";
    IcmpCode = "icmp.code" Number, "ICMP code";
    IcmpType = "icmp.type" Number, "ICMP type";
    NetworkBytes = "network.bytes" Number, "Bytes of IP packets, both directions";
    NetworkCommunityId = "network.community_id" Text, "Community id version 1, seed 0";
    NetworkDirection = "network.direction" Text, "inbound, outbound, internal, external by the sensor's home networks; absent where none are set";
    NetworkIanaNumber = "network.iana_number" Number, "IP protocol number";
    NetworkInnerVlanId = "network.inner.vlan.id" Number, "Inner VLAN of QinQ";
    NetworkPackets = "network.packets" Number, "Packets, both directions";
    NetworkProtocol = "network.protocol" Text, "Application protocol found by content";
    NetworkTransport = "network.transport" Text, "tcp, udp, icmp, ipv6-icmp, sctp, or the number";
    NetworkType = "network.type" Text, "ipv4, ipv6, arp";
    NetworkVlanId = "network.vlan.id" Number, "VLAN identifier (outermost)";
    SourceAddress = "source.address" Text, "Source as text";
    SourceBytes = "source.bytes" Number, "Bytes of IP packets from the originator";
    SourceIp = "source.ip" Ip, "Address of the originator";
    SourceMac = "source.mac" Text, "Link address of the originator, first seen";
    SourcePackets = "source.packets" Number, "Packets from the originator";
    SourcePort = "source.port" Number, "Port of the originator";
    TlsCipher = "tls.cipher" Text, "Cipher suite that the server chose, IANA name";
    TlsClientJa3 = "tls.client.ja3" Text, "JA3 of the ClientHello (MD5)";
    TlsClientJa4 = "tls.client.ja4" Text, "JA4 of the ClientHello";
    TlsClientServerName = "tls.client.server_name" Text, "Server name that the client asks for (SNI, RFC 6066)";
    TlsClientCiphers = "tls.client.supported_ciphers" Text list, "Cipher suites that the client offers, IANA names, 0xNNNN where none, GREASE left out";
    TlsCurve = "tls.curve" Text, "Group of the key exchange, IANA name, 0xNNNN where none";
    TlsEstablished = "tls.established" Bool, "True when both sides went on to encrypted data";
    TlsNextProtocol = "tls.next_protocol" Text, "Protocol that the server chose (ALPN)";
    TlsResumed = "tls.resumed" Bool, "True when an earlier session was taken up again";
    TlsServerHashMd5 = "tls.server.hash.md5" Text, "MD5 of the first certificate";
    TlsServerHashSha1 = "tls.server.hash.sha1" Text, "SHA-1 of the first certificate";
    TlsServerHashSha256 = "tls.server.hash.sha256" Text, "SHA-256 of the first certificate";
    TlsServerIssuer = "tls.server.issuer" Text, "Issuer of the first certificate (RFC 4514)";
    TlsServerJa3s = "tls.server.ja3s" Text, "JA3S of the ServerHello (MD5)";
    TlsServerNotAfter = "tls.server.not_after" Time, "End of the first certificate's validity";
    TlsServerNotBefore = "tls.server.not_before" Time, "Begin of the first certificate's validity";
    TlsServerSubject = "tls.server.subject" Text, "Subject of the first certificate (RFC 4514)";
    TlsServerAltNames = "tls.server.x509.alternative_names" Text list, "Names and addresses the first certificate is for";
    TlsServerIssuerCn = "tls.server.x509.issuer.common_name" Text, "Common name of the issuer";
    TlsServerSerial = "tls.server.x509.serial_number" Text, "Serial number, upper-case hex";
    TlsServerSubjectCn = "tls.server.x509.subject.common_name" Text, "Common name of the subject";
    TlsVersion = "tls.version" Text, "Version in use: 1.0 1.1 1.2 1.3 (drafts too), 2.0 and 3.0 for SSL, 0xNNNN where unknown";
    TlsVersionProtocol = "tls.version_protocol" Text, "tls or ssl";
    UrlDomain = "url.domain" Text, "Host asked for, without the port";
    UrlExtension = "url.extension" Text, "Extension of the path's last part, without the dot";
    UrlFull = "url.full" Text, "Scheme, host, port, path and query put together; the target alone where no host is known";
    UrlOriginal = "url.original" Text, "Request target as on the wire";
    UrlPassword = "url.password" Text hidden, "Password of basic authentication or of the request target, for rules only";
    UrlPath = "url.path" Text, "Path of the request target, as on the wire";
    UrlPort = "url.port" Number, "Port in the Host header or target";
    UrlQuery = "url.query" Text, "Query without the question mark";
    UrlScheme = "url.scheme" Text, "http or https";
    UserName = "user.name" Text, "User name (basic authentication, request target, login)";
    UserAgent = "user_agent.original" Text, "Value of the User-Agent header";
}

impl Field {
    /// The row of this field.
    #[must_use]
    pub const fn def(self) -> &'static FieldDef {
        &FIELDS[self as usize]
    }

    /// ECS name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.def().name
    }

    /// The field of that ECS name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let row = FIELDS.binary_search_by(|def| def.name.cmp(name)).ok()?;
        ALL.get(row).copied()
    }

    /// Every field, in the order of the table.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_found_by_name() {
        for pair in FIELDS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
        for field in Field::all() {
            assert_eq!(Field::by_name(field.name()), Some(*field));
        }
        assert_eq!(Field::by_name("no.such.field"), None);
    }
}
