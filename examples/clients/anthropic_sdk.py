# SPDX-License-Identifier: MIT
# Anthropic's SDK through lb (pip install anthropic). The key only satisfies the SDK: lb sends the providers' own.
import os
import sys

import anthropic

client = anthropic.Anthropic(base_url=os.environ.get("LB_URL", "http://localhost:9000"), api_key="unused")
with client.messages.stream(
    model="minimax",
    max_tokens=100,
    messages=[{"role": "user", "content": "What is 2+2?"}],
) as stream:
    for text in stream.text_stream:
        print(text, end="")
        sys.stdout.flush()
print()
