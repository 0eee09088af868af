// The Node-API edge of TLS: kinds of transports that encrypt, and what connections negotiated.
#ifndef EPOLL_SERVER_NATIVE_TLS_CALLS_H_
#define EPOLL_SERVER_NATIVE_TLS_CALLS_H_

#include <node_api.h>

#include "transport.h"

namespace epoll_server {

// opensslProblem(): why TLS cannot be used, in words; an empty text: it can.
napi_value OpensslProblem(napi_env env, napi_callback_info info);

// createTls(entries, ticketKeys, previous): a kind of transport, or the reason in words. With a
// kind as `previous`, both have the same counters.
napi_value CreateTls(napi_env env, napi_callback_info info);

// setTicketKeys(kind, ticketKeys): 0 or -errno.
napi_value SetTicketKeys(napi_env env, napi_callback_info info);

// tlsCounters(kind): handshakes, resumptions, and the failures in the order of TlsFailure.
napi_value GetTlsCounters(napi_env env, napi_callback_info info);

// The object of NegotiatedTls.
napi_value NegotiatedObject(napi_env env, const NegotiatedTls& negotiated);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TLS_CALLS_H_
