import { pythonKey, quoted, scriptKey, scriptText, shellText } from './keys.ts'
import { KEY_VARIABLE, type Piece, type Target, type Tool } from './types.ts'

const SAY_HELLO = 'Say hello.'

/** Libraries for programs, and curl. */
export const LIBRARY_TOOLS: readonly Tool[] = [
  {
    name: 'openai-sdk',
    title: 'OpenAI SDK',
    triedWith: 'openai 7.57.0 (JavaScript); the Python part was not tried',
    pieces: (target) => [
      script(
        'openai',
        `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: ${scriptText(`${target.url}/openai/v1`)}, apiKey: ${scriptKey(target)} })
const answer = await client.chat.completions.create({
  model: ${scriptText(target.model)},
  messages: [{ role: 'user', content: '${SAY_HELLO}' }],
})
console.log(answer.choices[0].message.content)
`,
      ),
      python(
        'openai',
        target,
        `from openai import OpenAI

client = OpenAI(base_url=${quoted(`${target.url}/openai/v1`)}, api_key=${pythonKey(target)})
answer = client.chat.completions.create(
    model=${quoted(target.model)},
    messages=[{"role": "user", "content": "${SAY_HELLO}"}],
)
print(answer.choices[0].message.content)
`,
      ),
    ],
    check: runIt,
    notes: () => ['client.responses works as well, also with previous_response_id.'],
  },
  {
    name: 'anthropic-sdk',
    title: 'Anthropic SDK',
    triedWith: '@anthropic-ai/sdk 1.12.0 (JavaScript); the Python part was not tried',
    pieces: (target) => [
      script(
        '@anthropic-ai/sdk',
        `import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ baseURL: ${scriptText(`${target.url}/anthropic`)}, apiKey: ${scriptKey(target)} })
const message = await client.messages.create({
  model: ${scriptText(target.model)},
  max_tokens: 1024,
  messages: [{ role: 'user', content: '${SAY_HELLO}' }],
})
console.log(message.content[0].text)
`,
      ),
      python(
        'anthropic',
        target,
        `import anthropic

client = anthropic.Anthropic(base_url=${quoted(`${target.url}/anthropic`)}, api_key=${pythonKey(target)})
message = client.messages.create(
    model=${quoted(target.model)},
    max_tokens=1024,
    messages=[{"role": "user", "content": "${SAY_HELLO}"}],
)
print(message.content[0].text)
`,
      ),
    ],
    check: runIt,
  },
  {
    name: 'langchain',
    title: 'LangChain',
    triedWith: '@langchain/openai 1.6.0 (JavaScript); the Python part was not tried',
    pieces: (target) => [
      script(
        '@langchain/openai @langchain/core',
        `import { ChatOpenAI } from '@langchain/openai'

const model = new ChatOpenAI({
  model: ${scriptText(target.model)},
  apiKey: ${scriptKey(target)},
  configuration: { baseURL: ${scriptText(`${target.url}/openai/v1`)} },
})
const answer = await model.invoke('${SAY_HELLO}')
console.log(answer.text)
`,
      ),
      python(
        'langchain-openai',
        target,
        `from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model=${quoted(target.model)},
    base_url=${quoted(`${target.url}/openai/v1`)},
    api_key=${pythonKey(target)},
)
print(model.invoke("${SAY_HELLO}").text)
`,
      ),
    ],
    check: runIt,
  },
  {
    name: 'vercel-ai-sdk',
    title: 'Vercel AI SDK',
    triedWith: 'ai 7.0.173 with @ai-sdk/openai-compatible 3.0.92',
    pieces: (target) => [
      script(
        'ai @ai-sdk/openai-compatible',
        `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'

const clinvk = createOpenAICompatible({
  name: 'clinvk',
  baseURL: ${scriptText(`${target.url}/openai/v1`)},
  apiKey: ${scriptKey(target)},
})
const { text } = await generateText({ model: clinvk(${scriptText(target.model)}), prompt: '${SAY_HELLO}' })
console.log(text)
`,
      ),
    ],
    check: runIt,
    notes: ({ url }) => [`@ai-sdk/openai takes the same address, and @ai-sdk/anthropic ${url}/anthropic/v1.`],
  },
  {
    name: 'curl',
    title: 'curl',
    triedWith: 'the curl of the machine that runs the tests',
    pieces: (target) => [
      {
        where: 'In a shell.',
        language: 'sh',
        text: `curl -N ${shellText(`${target.url}/openai/v1/chat/completions`)} \\
  -H 'content-type: application/json' \\
${target.needsKey ? `  -H "authorization: Bearer $${KEY_VARIABLE}" \\\n` : ''}  -d ${shellText(
          JSON.stringify({
            model: target.model,
            stream: true,
            messages: [{ role: 'user', content: SAY_HELLO }],
          }),
        )}
`,
      },
    ],
    check: () => 'The answer comes in pieces and ends with data: [DONE].',
  },
]

function runIt(): string {
  return 'Run it: it prints the answer.'
}

function script(packages: string, text: string): Piece {
  return {
    where: `In a program, after npm install ${packages}.`,
    file: 'hello.mjs',
    language: 'javascript',
    text,
  }
}

/** The key is read from the environment, which has to be imported. */
function python(packages: string, { needsKey }: Target, text: string): Piece {
  return {
    where: `In a program, after pip install ${packages}.`,
    file: 'hello.py',
    language: 'python',
    text: needsKey ? `import os\n\n${text}` : text,
  }
}
