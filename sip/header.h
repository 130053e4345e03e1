// SPDX-License-Identifier: BSD-3-Clause
//
// Header names. Those that the library reads or that a back-to-back user agent must not carry over
// have a number; all others are SIP_H_OTHER and are found by name. Compact forms (RFC 3261 7.3.3
// and the registry) map to the same number.
//
// Thread: pure functions over one constant table.
#pragma once

#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sip_header_id {
	SIP_H_OTHER,
	SIP_H_VIA,
	SIP_H_FROM,
	SIP_H_TO,
	SIP_H_CALL_ID,
	SIP_H_CSEQ,
	SIP_H_MAX_FORWARDS,
	SIP_H_CONTENT_LENGTH,
	SIP_H_CONTENT_TYPE,
	SIP_H_CONTENT_ENCODING,
	SIP_H_CONTENT_DISPOSITION,
	SIP_H_CONTENT_LANGUAGE,
	SIP_H_MIME_VERSION,
	SIP_H_CONTACT,
	SIP_H_ROUTE,
	SIP_H_RECORD_ROUTE,
	SIP_H_PATH,
	SIP_H_SERVICE_ROUTE,
	SIP_H_REQUIRE,
	SIP_H_PROXY_REQUIRE,
	SIP_H_SUPPORTED,
	SIP_H_UNSUPPORTED,
	SIP_H_ALLOW,
	SIP_H_ALLOW_EVENTS,
	SIP_H_ACCEPT,
	SIP_H_ACCEPT_ENCODING,
	SIP_H_ACCEPT_LANGUAGE,
	SIP_H_ALERT_INFO,
	SIP_H_CALL_INFO,
	SIP_H_DATE,
	SIP_H_EVENT,
	SIP_H_EXPIRES,
	SIP_H_MIN_EXPIRES,
	SIP_H_SESSION_EXPIRES,
	SIP_H_MIN_SE,
	SIP_H_REASON,
	SIP_H_RETRY_AFTER,
	SIP_H_WARNING,
	SIP_H_RACK,
	SIP_H_RSEQ,
	SIP_H_REFER_TO,
	SIP_H_REFERRED_BY,
	SIP_H_REPLACES,
	SIP_H_SUBSCRIPTION_STATE,
	SIP_H_AUTHORIZATION,
	SIP_H_PROXY_AUTHORIZATION,
	SIP_H_WWW_AUTHENTICATE,
	SIP_H_PROXY_AUTHENTICATE,
	SIP_H_AUTHENTICATION_INFO,
	SIP_H_PROXY_AUTHENTICATION_INFO,
	SIP_H_IDENTITY,
	SIP_H_USER_AGENT,
	SIP_H_SERVER,
	SIP_H_SUBJECT,
	SIP_H_ORGANIZATION,
	SIP_H_TIMESTAMP,
	SIP_H_PRIORITY,
	SIP_H_PRIVACY,
	SIP_H_P_ASSERTED_IDENTITY,
	SIP_H_P_PREFERRED_IDENTITY,
	SIP_H_DIVERSION,
	SIP_H_HISTORY_INFO,
	SIP_H_GEOLOCATION,
	SIP_H_USER_TO_USER,
	SIP_H_COUNT,
};

// SIP_H_OTHER for names without a number. Case does not matter.
enum sip_header_id sip_header_lookup(struct sip_slice name);
// "Via" ..., the long form as the RFCs write it; NULL for SIP_H_OTHER.
const char *sip_header_name(enum sip_header_id id);

#ifdef __cplusplus
}
#endif
