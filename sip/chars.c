// SPDX-License-Identifier: BSD-3-Clause
#include "sip/chars.h"

#define TXT (SIP_C_TEXT | SIP_C_QUOTED)
#define UNR (SIP_C_UNRESERVED | SIP_C_PASSWORD | SIP_C_USER | SIP_C_PARAM | SIP_C_HEADER)
#define ALN (TXT | UNR | SIP_C_TOKEN | SIP_C_WORD | SIP_C_HOST)
#define MRK (TXT | UNR | SIP_C_TOKEN | SIP_C_WORD)
#define TOK (TXT | SIP_C_TOKEN | SIP_C_WORD)
#define RSV (TXT | SIP_C_RESERVED)

// The unreserved characters are in every URI class, so each class is one bit to ask for.
const uint16_t sip_chars[256] = {
	['\t'] = TXT | SIP_C_LWS,
	['\n'] = SIP_C_LWS,
	['\r'] = SIP_C_LWS,
	[' '] = TXT | SIP_C_LWS,
	['0' ... '9'] = ALN | SIP_C_DIGIT | SIP_C_HEX,
	['A' ... 'F'] = ALN | SIP_C_ALPHA | SIP_C_HEX,
	['G' ... 'Z'] = ALN | SIP_C_ALPHA,
	['a' ... 'f'] = ALN | SIP_C_ALPHA | SIP_C_HEX,
	['g' ... 'z'] = ALN | SIP_C_ALPHA,
	['-'] = ALN,
	['.'] = ALN,
	['_'] = ALN,
	['!'] = MRK,
	['~'] = MRK,
	['*'] = MRK,
	['\''] = MRK,
	['('] = TXT | UNR | SIP_C_WORD,
	[')'] = TXT | UNR | SIP_C_WORD,
	['%'] = TOK,
	['`'] = TOK,
	['+'] = TOK | SIP_C_RESERVED | SIP_C_USER | SIP_C_PASSWORD | SIP_C_PARAM | SIP_C_HEADER,
	['&'] = RSV | SIP_C_USER | SIP_C_PASSWORD | SIP_C_PARAM,
	['='] = RSV | SIP_C_USER | SIP_C_PASSWORD,
	['$'] = RSV | SIP_C_USER | SIP_C_PASSWORD | SIP_C_PARAM | SIP_C_HEADER,
	[','] = RSV | SIP_C_USER | SIP_C_PASSWORD,
	[';'] = RSV | SIP_C_USER,
	['?'] = RSV | SIP_C_USER | SIP_C_HEADER | SIP_C_WORD,
	['/'] = RSV | SIP_C_USER | SIP_C_PARAM | SIP_C_HEADER | SIP_C_WORD,
	[':'] = RSV | SIP_C_PARAM | SIP_C_HEADER | SIP_C_WORD,
	['['] = TXT | SIP_C_PARAM | SIP_C_HEADER | SIP_C_WORD,
	[']'] = TXT | SIP_C_PARAM | SIP_C_HEADER | SIP_C_WORD,
	['@'] = RSV,
	['<'] = TXT | SIP_C_WORD,
	['>'] = TXT | SIP_C_WORD,
	['{'] = TXT | SIP_C_WORD,
	['}'] = TXT | SIP_C_WORD,
	['"'] = SIP_C_TEXT | SIP_C_WORD,
	['\\'] = SIP_C_TEXT | SIP_C_WORD,
	['#'] = TXT,
	['^'] = TXT,
	['|'] = TXT,
	[0x80 ... 0xff] = TXT,
};

bool sip_all(struct sip_slice s, unsigned classes)
{
	for (size_t i = 0; i < s.n; i++)
		if (!sip_char_is(s.p[i], classes))
			return false;
	return s.n > 0;
}

bool sip_all_escaped(struct sip_slice s, unsigned classes)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (s.n - i < 3 || sip_hex_digit(s.p[i + 1]) < 0 ||
				sip_hex_digit(s.p[i + 2]) < 0)
				return false;
			i += 2;
		} else if (!sip_char_is(s.p[i], classes)) {
			return false;
		}
	}
	return true;
}

size_t sip_quoted_len(struct sip_slice s)
{
	if (s.n < 2 || s.p[0] != '"')
		return 0;
	for (size_t i = 1; i < s.n; i++) {
		uint8_t c = s.p[i];
		if (c == '"')
			return i + 1;
		if (c == '\\') {
			// quoted-pair: anything of ASCII but CR and LF, NUL included
			if (++i >= s.n || s.p[i] == '\r' || s.p[i] == '\n' ||
				(uint8_t)s.p[i] > 0x7f)
				return 0;
		} else if (!sip_char_is(c, SIP_C_QUOTED | SIP_C_LWS)) {
			return 0;
		}
	}
	return 0;
}

int sip_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
