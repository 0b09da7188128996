# SPDX-License-Identifier: MIT
# OpenAI's SDK through lb (pip install openai); a provider that speaks OpenAI's dialect must be configured in lb.
# The key only satisfies the SDK: lb sends the providers' own.
import os
import sys

import openai

client = openai.OpenAI(base_url=os.environ.get("LB_URL", "http://localhost:9000") + "/v1", api_key="unused")
for chunk in client.chat.completions.create(
    model="minimax",
    messages=[{"role": "user", "content": "What is 2+2?"}],
    stream=True,
):
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="")
        sys.stdout.flush()
print()
