// SPDX-License-Identifier: BSD-3-Clause
// What went wrong, in words that tell a caller what to do.

const BY_STATUS = {
	400: ['The call was not understood', 'The network refused the request. If it happens again, tell whoever runs this server.'],
	401: ['Not signed in', 'User name or password is wrong. Check them in the account settings.'],
	403: ['Not allowed', 'This account may not call that number.'],
	404: ['No such number', 'Nobody can be reached by this number. Check it and call again.'],
	405: ['Not possible here', 'The other side does not do this.'],
	407: ['Not signed in', 'User name or password is wrong. Check them in the account settings.'],
	408: ['No reply', 'The other side did not respond. Try again in a moment.'],
	410: ['Number has changed', 'This number is no longer in use.'],
	415: ['No common language', 'The other phone cannot take a call from a browser.'],
	423: ['Signed in for too short a time', 'The server wants a longer registration.'],
	480: ['Not available', 'The person you called cannot take calls at the moment.'],
	481: ['The call is gone', 'The other side no longer knows this call.'],
	482: ['The call went in circles', 'The number leads back to itself. Tell whoever runs this server.'],
	483: ['The call went in circles', 'The number leads back to itself. Tell whoever runs this server.'],
	484: ['Number incomplete', 'Digits are missing. Add the area or country code.'],
	486: ['Busy', 'The person you called is on another call.'],
	487: ['Cancelled', 'The call was ended before it was answered.'],
	488: ['No common codec', 'The two phones have no way of speaking in common.'],
	500: ['Trouble on the way', 'The network could not set the call up. Try again in a moment.'],
	502: ['Trouble on the way', 'A network behind the server refused the call.'],
	503: ['Too many calls', 'The network cannot take the call just now. Try again in a moment.'],
	504: ['No reply', 'A network behind the server did not respond.'],
	600: ['Busy', 'The person you called is busy everywhere.'],
	603: ['Declined', 'The person you called declined the call.'],
	604: ['No such number', 'This number does not exist anywhere.'],
};

const BY_CAUSE = {
	'Connection Error': ['No connection', 'The phone server cannot be reached. Check your network.'],
	'Request Timeout': ['No reply', 'The server did not respond. Try again in a moment.'],
	'Address Incomplete': ['Number incomplete', 'Digits are missing. Add the area or country code.'],
	'User Denied Media Access': ['No microphone', 'Allow this page to use the microphone (in the address bar), then call again.'],
	'WebRTC Error': ['The browser could not set up audio', 'Reload the page and try again.'],
	'Bad Media Description': ['No common codec', 'The two phones have no way of speaking in common.'],
	'RTP Timeout': ['The line went silent', 'No sound arrived any more, so the call was ended.'],
	'No ACK': ['The call was lost', 'The other side disappeared while answering.'],
	'Missing SDP': ['The call was not understood', 'The answer of the other side said nothing about sound.'],
	'Authentication Error': ['Not signed in', 'User name or password is wrong. Check them in the account settings.'],
	'Dialog Error': ['The call is gone', 'The other side no longer knows this call.'],
	Unavailable: ['Not available', 'The person you called cannot take calls at the moment.'],
	'Not Found': ['No such number', 'Nobody can be reached by this number. Check it and call again.'],
	Busy: ['Busy', 'The person you called is on another call.'],
	Rejected: ['Declined', 'The person you called declined the call.'],
};

const BY_MEDIA = {
	NotAllowedError: BY_CAUSE['User Denied Media Access'],
	NotFoundError: ['No microphone', 'No microphone was found. Plug one in and call again.'],
	NotReadableError: ['The microphone is taken', 'Another program uses the microphone. Close it and call again.'],
	OverconstrainedError: ['No microphone', 'The chosen microphone is gone. Choose another in the account settings.'],
	SecurityError: ['Not a secure page', 'Browsers give the microphone to pages over HTTPS only.'],
};

// {title, text} for a SIP status, a cause as JsSIP names it, or the name of a media error.
export function explain({ status, cause, media, reason } = {}) {
	const found =
		(media && BY_MEDIA[media]) ||
		(status && BY_STATUS[status]) ||
		(cause && BY_CAUSE[cause]) ||
		(status >= 500 && BY_STATUS[500]) ||
		(status >= 400 && ['The call failed', 'The other side refused the call.']);
	const [title, text] = found || ['The call failed', 'Something went wrong that has no name here.'];
	const detail = [status, reason].filter(Boolean).join(' ');

	return { title, text: detail && !text.includes(detail) ? `${text} (${detail})` : text };
}
