// Scenarios in which this server may differ from node:http, each with its reason.
export const DIFFERENCES = {
  'connection: too many fields': 'Node.js 20 drops what is beyond server.maxHeadersCount, later versions answer 431',
  'connection: a transfer coding that is not chunked':
    'RFC 9112 section 6.3 demands 400, since the length of the body cannot be known; node:http lets the application answer first',
};
