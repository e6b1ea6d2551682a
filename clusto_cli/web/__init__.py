"""`clusto serve`: pages for people and an API for programs, over HTTP, of one inventory. Each uses those above it only.

answering     what a request is answered with, and what goes wrong, by status
callers       who asks: a token, a trusted proxy, somebody on this machine; what he may
keeping       long answers that are worked out as a whole, in files; the last ones are kept
threads       answers are worked out in a bounded pool of threads, within a time limit, streamed where they are long
asking        what such a function is given: the inventory as its caller may see it, of now or of then
routing       what pages and the API are made of: a path, who may, a function that answers
api           /api/v1 and what describes it
pages         what people see
application   all of it as one application of aiohttp: limits, headers, conditional requests
serving       listening, beside the boot server where that is asked for
"""
