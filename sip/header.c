// SPDX-License-Identifier: BSD-3-Clause
#include "sip/header.h"

static const char *const names[SIP_H_COUNT] = {
	[SIP_H_VIA] = "Via",
	[SIP_H_FROM] = "From",
	[SIP_H_TO] = "To",
	[SIP_H_CALL_ID] = "Call-ID",
	[SIP_H_CSEQ] = "CSeq",
	[SIP_H_MAX_FORWARDS] = "Max-Forwards",
	[SIP_H_CONTENT_LENGTH] = "Content-Length",
	[SIP_H_CONTENT_TYPE] = "Content-Type",
	[SIP_H_CONTENT_ENCODING] = "Content-Encoding",
	[SIP_H_CONTENT_DISPOSITION] = "Content-Disposition",
	[SIP_H_CONTENT_LANGUAGE] = "Content-Language",
	[SIP_H_MIME_VERSION] = "MIME-Version",
	[SIP_H_CONTACT] = "Contact",
	[SIP_H_ROUTE] = "Route",
	[SIP_H_RECORD_ROUTE] = "Record-Route",
	[SIP_H_PATH] = "Path",
	[SIP_H_SERVICE_ROUTE] = "Service-Route",
	[SIP_H_REQUIRE] = "Require",
	[SIP_H_PROXY_REQUIRE] = "Proxy-Require",
	[SIP_H_SUPPORTED] = "Supported",
	[SIP_H_UNSUPPORTED] = "Unsupported",
	[SIP_H_ALLOW] = "Allow",
	[SIP_H_ALLOW_EVENTS] = "Allow-Events",
	[SIP_H_ACCEPT] = "Accept",
	[SIP_H_ACCEPT_ENCODING] = "Accept-Encoding",
	[SIP_H_ACCEPT_LANGUAGE] = "Accept-Language",
	[SIP_H_ALERT_INFO] = "Alert-Info",
	[SIP_H_CALL_INFO] = "Call-Info",
	[SIP_H_DATE] = "Date",
	[SIP_H_EVENT] = "Event",
	[SIP_H_EXPIRES] = "Expires",
	[SIP_H_MIN_EXPIRES] = "Min-Expires",
	[SIP_H_SESSION_EXPIRES] = "Session-Expires",
	[SIP_H_MIN_SE] = "Min-SE",
	[SIP_H_REASON] = "Reason",
	[SIP_H_RETRY_AFTER] = "Retry-After",
	[SIP_H_WARNING] = "Warning",
	[SIP_H_RACK] = "RAck",
	[SIP_H_RSEQ] = "RSeq",
	[SIP_H_REFER_TO] = "Refer-To",
	[SIP_H_REFERRED_BY] = "Referred-By",
	[SIP_H_REPLACES] = "Replaces",
	[SIP_H_SUBSCRIPTION_STATE] = "Subscription-State",
	[SIP_H_AUTHORIZATION] = "Authorization",
	[SIP_H_PROXY_AUTHORIZATION] = "Proxy-Authorization",
	[SIP_H_WWW_AUTHENTICATE] = "WWW-Authenticate",
	[SIP_H_PROXY_AUTHENTICATE] = "Proxy-Authenticate",
	[SIP_H_AUTHENTICATION_INFO] = "Authentication-Info",
	[SIP_H_PROXY_AUTHENTICATION_INFO] = "Proxy-Authentication-Info",
	[SIP_H_IDENTITY] = "Identity",
	[SIP_H_USER_AGENT] = "User-Agent",
	[SIP_H_SERVER] = "Server",
	[SIP_H_SUBJECT] = "Subject",
	[SIP_H_ORGANIZATION] = "Organization",
	[SIP_H_TIMESTAMP] = "Timestamp",
	[SIP_H_PRIORITY] = "Priority",
	[SIP_H_PRIVACY] = "Privacy",
	[SIP_H_P_ASSERTED_IDENTITY] = "P-Asserted-Identity",
	[SIP_H_P_PREFERRED_IDENTITY] = "P-Preferred-Identity",
	[SIP_H_DIVERSION] = "Diversion",
	[SIP_H_HISTORY_INFO] = "History-Info",
	[SIP_H_GEOLOCATION] = "Geolocation",
	[SIP_H_USER_TO_USER] = "User-To-User",
};

// The registry's one-letter forms (RFC 3261, 3265, 3515, 3892, 4028, 8224).
static const uint8_t compact[26] = {
	['b' - 'a'] = SIP_H_REFERRED_BY,
	['c' - 'a'] = SIP_H_CONTENT_TYPE,
	['e' - 'a'] = SIP_H_CONTENT_ENCODING,
	['f' - 'a'] = SIP_H_FROM,
	['i' - 'a'] = SIP_H_CALL_ID,
	['k' - 'a'] = SIP_H_SUPPORTED,
	['l' - 'a'] = SIP_H_CONTENT_LENGTH,
	['m' - 'a'] = SIP_H_CONTACT,
	['o' - 'a'] = SIP_H_EVENT,
	['r' - 'a'] = SIP_H_REFER_TO,
	['s' - 'a'] = SIP_H_SUBJECT,
	['t' - 'a'] = SIP_H_TO,
	['u' - 'a'] = SIP_H_ALLOW_EVENTS,
	['v' - 'a'] = SIP_H_VIA,
	['x' - 'a'] = SIP_H_SESSION_EXPIRES,
	['y' - 'a'] = SIP_H_IDENTITY,
};

// Candidates by length, each list ended by SIP_H_OTHER; a unit test looks up every name.
static const uint8_t of_2[] = {SIP_H_TO, 0};
static const uint8_t of_3[] = {SIP_H_VIA, 0};
static const uint8_t of_4[] = {
	SIP_H_FROM, SIP_H_CSEQ, SIP_H_PATH, SIP_H_DATE, SIP_H_RACK, SIP_H_RSEQ, 0};
static const uint8_t of_5[] = {SIP_H_ROUTE, SIP_H_ALLOW, SIP_H_EVENT, 0};
static const uint8_t of_6[] = {SIP_H_ACCEPT, SIP_H_MIN_SE, SIP_H_REASON, SIP_H_SERVER, 0};
static const uint8_t of_7[] = {SIP_H_CALL_ID, SIP_H_CONTACT, SIP_H_REQUIRE, SIP_H_EXPIRES,
	SIP_H_WARNING, SIP_H_SUBJECT, SIP_H_PRIVACY, 0};
static const uint8_t of_8[] = {SIP_H_REFER_TO, SIP_H_REPLACES, SIP_H_IDENTITY, SIP_H_PRIORITY, 0};
static const uint8_t of_9[] = {
	SIP_H_SUPPORTED, SIP_H_CALL_INFO, SIP_H_TIMESTAMP, SIP_H_DIVERSION, 0};
static const uint8_t of_10[] = {SIP_H_ALERT_INFO, SIP_H_USER_AGENT, 0};
static const uint8_t of_11[] = {SIP_H_UNSUPPORTED, SIP_H_MIN_EXPIRES, SIP_H_RETRY_AFTER,
	SIP_H_REFERRED_BY, SIP_H_GEOLOCATION, 0};
static const uint8_t of_12[] = {SIP_H_MAX_FORWARDS, SIP_H_CONTENT_TYPE, SIP_H_MIME_VERSION,
	SIP_H_RECORD_ROUTE, SIP_H_ALLOW_EVENTS, SIP_H_ORGANIZATION, SIP_H_HISTORY_INFO,
	SIP_H_USER_TO_USER, 0};
static const uint8_t of_13[] = {SIP_H_SERVICE_ROUTE, SIP_H_PROXY_REQUIRE, SIP_H_AUTHORIZATION, 0};
static const uint8_t of_14[] = {SIP_H_CONTENT_LENGTH, 0};
static const uint8_t of_15[] = {
	SIP_H_ACCEPT_ENCODING, SIP_H_ACCEPT_LANGUAGE, SIP_H_SESSION_EXPIRES, 0};
static const uint8_t of_16[] = {
	SIP_H_CONTENT_ENCODING, SIP_H_CONTENT_LANGUAGE, SIP_H_WWW_AUTHENTICATE, 0};
static const uint8_t of_18[] = {SIP_H_SUBSCRIPTION_STATE, SIP_H_PROXY_AUTHENTICATE, 0};
static const uint8_t of_19[] = {SIP_H_CONTENT_DISPOSITION, SIP_H_PROXY_AUTHORIZATION,
	SIP_H_AUTHENTICATION_INFO, SIP_H_P_ASSERTED_IDENTITY, 0};
static const uint8_t of_20[] = {SIP_H_P_PREFERRED_IDENTITY, 0};
static const uint8_t of_25[] = {SIP_H_PROXY_AUTHENTICATION_INFO, 0};

#define LONGEST 25
static const uint8_t *const by_length[LONGEST + 1] = {
	[2] = of_2,
	[3] = of_3,
	[4] = of_4,
	[5] = of_5,
	[6] = of_6,
	[7] = of_7,
	[8] = of_8,
	[9] = of_9,
	[10] = of_10,
	[11] = of_11,
	[12] = of_12,
	[13] = of_13,
	[14] = of_14,
	[15] = of_15,
	[16] = of_16,
	[18] = of_18,
	[19] = of_19,
	[20] = of_20,
	[25] = of_25,
};

enum sip_header_id sip_header_lookup(struct sip_slice name)
{
	if (name.n == 1) {
		unsigned c = (unsigned)(name.p[0] | 0x20) - 'a';
		return c < 26 ? compact[c] : SIP_H_OTHER;
	}
	if (name.n > LONGEST || !by_length[name.n])
		return SIP_H_OTHER;
	for (const uint8_t *id = by_length[name.n]; *id; id++)
		if (((names[*id][0] ^ name.p[0]) & 0xdf) == 0 &&
			strncasecmp(names[*id], name.p, name.n) == 0)
			return *id;
	return SIP_H_OTHER;
}

const char *sip_header_name(enum sip_header_id id)
{
	return id < SIP_H_COUNT ? names[id] : NULL;
}
