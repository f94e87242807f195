//! Account descriptors, queues and the directory: codec, server and client over any byte stream.
