// SPDX-License-Identifier: BSD-3-Clause
// What both ends hear: loss, jitter and delay out of the browser's statistics (of our receiver, and of the
// other side's by RTCP), and what ITU-T G.107 makes of them.

// Impairment of the codec and its robustness against loss (G.113; Opus by its published measurements).
const CODECS = {
	PCMU: { ie: 0, bpl: 25.1 },
	PCMA: { ie: 0, bpl: 25.1 },
	G722: { ie: 0, bpl: 20 },
	opus: { ie: 0, bpl: 30 },
};

// Loss 0..1, one-way delay and jitter in seconds.
export function mos({ loss = 0, delay = 0, jitter = 0, codec = 'PCMU' }) {
	const { ie, bpl } = CODECS[codec] || CODECS.PCMU;
	const ms = 1000 * (delay + 2 * jitter); // a jitter buffer holds about twice the jitter
	const percent = 100 * Math.min(Math.max(loss, 0), 1);
	const late = 0.024 * ms + (ms > 177.3 ? 0.11 * (ms - 177.3) : 0);
	const r = 93.2 - late - (ie + (95 - ie) * (percent / (percent + bpl)));

	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;
	return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

export function word(score) {
	return score >= 4 ? 'Clear' : score >= 3.6 ? 'Good' : score >= 3.1 ? 'Fair' : score >= 2.6 ? 'Poor' : 'Bad';
}

export function bars(score) {
	return score >= 4 ? 4 : score >= 3.6 ? 3 : score >= 3.1 ? 2 : 1;
}

const share = (lost, received) => (lost + received > 0 ? Math.max(lost, 0) / (Math.max(lost, 0) + received) : 0);

function audio(report) {
	const found = { codecs: new Map() };

	report.forEach((s) => {
		if (s.type === 'codec')
			found.codecs.set(s.id, s);
		else if (['inbound-rtp', 'outbound-rtp', 'remote-inbound-rtp'].includes(s.type) && s.kind === 'audio')
			found[s.type] = s;
		else if (s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded')
			found.pair = s;
	});
	return found;
}

// Reads a connection again and again; `sample()` gives {hear, heard, figures}, each of hear and heard
// {score, loss, jitter} or null while nothing is known.
export class Quality {
	constructor(connection) {
		this.connection = connection;
		this.before = null;
	}

	async sample() {
		const now = audio(await this.connection.getStats());
		const inbound = now['inbound-rtp'];
		const outbound = now['outbound-rtp'];
		const remote = now['remote-inbound-rtp'];
		const before = this.before || {};
		const codec = inbound && now.codecs.get(inbound.codecId);
		const name = codec ? codec.mimeType.split('/')[1] : undefined;
		const rtt = (remote && remote.roundTripTime) || (now.pair && now.pair.currentRoundTripTime) || 0;
		const result = { hear: null, heard: null, figures: {} };

		if (inbound && inbound.packetsReceived > 0) {
			const was = before['inbound-rtp'] || { packetsLost: 0, packetsReceived: 0 };
			const received = inbound.packetsReceived - was.packetsReceived;
			const loss = share(inbound.packetsLost - was.packetsLost, received);

			if (received > 0)
				result.hear = { loss, jitter: inbound.jitter, score: mos({ loss, jitter: inbound.jitter, delay: rtt / 2, codec: name }) };
		}
		if (remote) {
			const loss = remote.fractionLost || 0;

			result.heard = { loss, jitter: remote.jitter || 0, score: mos({ loss, jitter: remote.jitter || 0, delay: rtt / 2, codec: name }) };
		}
		result.figures = {
			Codec: codec ? `${name} ${codec.clockRate / 1000} kHz` : '–',
			'Round trip': rtt ? `${Math.round(rtt * 1000)} ms` : '–',
			Received: inbound ? `${inbound.packetsReceived} packets, ${inbound.packetsLost} lost` : '–',
			Sent: outbound ? `${outbound.packetsSent} packets${remote ? `, ${remote.packetsLost} lost` : ''}` : '–',
			Jitter: `${inbound ? Math.round(inbound.jitter * 1000) : '–'} ms here${remote ? `, ${Math.round((remote.jitter || 0) * 1000)} ms there` : ''}`,
		};
		this.before = now;
		return result;
	}
}
