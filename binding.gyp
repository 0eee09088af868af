{
  "targets": [
    {
      "target_name": "epoll_server",
      "sources": [
        "native/addon.cc",
        "native/kernel_object.cc",
        "native/kernel.cc",
        "native/kernel_transport.cc",
        "native/connections.cc",
        "native/descriptors.cc",
        "native/file.cc",
        "native/file_calls.cc",
        "native/file_jobs.cc",
        "native/file_list.cc",
        "native/file_walk.cc",
        "native/head_scan.cc",
        "native/name_text.cc",
        "native/openssl.cc",
        "native/tls.cc",
        "native/tls_calls.cc",
        "native/tls_context.cc",
        "native/tls_handshake.cc",
        "native/tls_records.cc",
        "native/socket.cc",
        "native/loop_bridge.cc",
        "native/pollers.cc",
        "native/registrations.cc",
        "native/poller_poll.cc",
        "native/poller_select.cc",
        "native/poller_scan.cc"
      ],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS"],
      "cflags_cc": [
        "-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden",
        "-isystem", "<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")",
        "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wno-unused-parameter"
      ],
      "cflags_cc!": ["-frtti", "-fexceptions"],
      "conditions": [
        ["OS=='linux'", {
          "sources": ["native/poller_epoll.cc", "native/system_linux.cc", "native/file_linux.cc"]
        }],
        ["OS!='linux'", { "sources": ["native/file_other.cc"] }],
        ["OS=='mac'", {
          "sources": ["native/poller_kqueue.cc", "native/system_bsd.cc"],
          "include_dirs": ["<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")"],
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_ENABLE_CPP_RTTI": "NO",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "MACOSX_DEPLOYMENT_TARGET": "11.0"
          }
        }]
      ]
    }
  ]
}
