// Status codes and their reason phrases (IANA registry of 2025).

const REASONS: readonly (readonly [number, string])[] = [
  [100, 'Continue'],
  [101, 'Switching Protocols'],
  [102, 'Processing'],
  [103, 'Early Hints'],
  [200, 'OK'],
  [201, 'Created'],
  [202, 'Accepted'],
  [203, 'Non-Authoritative Information'],
  [204, 'No Content'],
  [205, 'Reset Content'],
  [206, 'Partial Content'],
  [207, 'Multi-Status'],
  [208, 'Already Reported'],
  [226, 'IM Used'],
  [300, 'Multiple Choices'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [304, 'Not Modified'],
  [305, 'Use Proxy'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [407, 'Proxy Authentication Required'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [411, 'Length Required'],
  [412, 'Precondition Failed'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [415, 'Unsupported Media Type'],
  [416, 'Range Not Satisfiable'],
  [417, 'Expectation Failed'],
  [418, "I'm a Teapot"],
  [421, 'Misdirected Request'],
  [422, 'Unprocessable Content'],
  [423, 'Locked'],
  [424, 'Failed Dependency'],
  [425, 'Too Early'],
  [426, 'Upgrade Required'],
  [428, 'Precondition Required'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [451, 'Unavailable For Legal Reasons'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
  [506, 'Variant Also Negotiates'],
  [507, 'Insufficient Storage'],
  [508, 'Loop Detected'],
  [511, 'Network Authentication Required'],
];

export const RESET_CONTENT = 205;

const BY_STATUS = new Map(REASONS);

const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether `text` may be sent as a reason phrase (RFC 9112 section 4): it cannot end the status line. */
export function isReasonPhrase(text: unknown): text is string {
  return typeof text === 'string' && REASON_PHRASE.test(text);
}

/** The reason phrase of a status; empty for one that is not registered, which RFC 9112 allows. */
export function reasonPhrase(status: number): string {
  return BY_STATUS.get(status) ?? '';
}

/** Whether content is dropped: for statuses that never have content, and for 205 (RFC 9110 section 15.3.6). */
export function dropsContent(status: number): boolean {
  return hasNoContent(status) || status === RESET_CONTENT;
}

/** Whether a response with this status never has content (RFC 9110 section 6.4.1). */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}
