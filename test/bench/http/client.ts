// Sends requests to one app, from a separate process so that its CPU time does not count for the app:
// `client.ts <port>`. Each message is a `Task`; the reply to it is its last response's `ETag`.
import { connect, type Socket } from 'node:net'
import type { Task } from './task.ts'

const CONNECTIONS = 4
const port = Number(process.argv[2])
const END_OF_HEAD = '\r\n\r\n'
let asked = 0

function requestText({ query, headers }: Task): string {
  asked += 1
  const path = `/overview?${query.replace('$', String(asked))}`
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** One connection with sequential requests. Responses of the apps have a length, or no body. */
class Connection {
  #socket: Socket | undefined
  #buffered = ''
  #answered: ((head: string) => void) | undefined

  async open(): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.setEncoding('latin1').on('data', (text) => this.#take(String(text)))
    socket.on('close', () => process.exit(1))
    await new Promise((resolve) => socket.once('connect', resolve))
    this.#socket = socket
  }

  ask(text: string): Promise<string> {
    return new Promise((resolve) => {
      this.#answered = resolve
      this.#socket?.write(text)
    })
  }

  #take(text: string): void {
    this.#buffered += text
    const at = this.#buffered.indexOf(END_OF_HEAD)
    if (at < 0) return
    const head = this.#buffered.slice(0, at)
    const length = head.includes(' 304 ') ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
    if (Number.isNaN(length)) throw new Error(`A response has no length:\n${head}`)
    if (this.#buffered.length < at + END_OF_HEAD.length + length) return
    this.#buffered = ''
    this.#answered?.(head)
  }
}

const connections = Array.from({ length: CONNECTIONS }, () => new Connection())

async function run(task: Task): Promise<string> {
  let left = task.requests
  let tag = ''
  await Promise.all(
    connections.map(async (connection) => {
      while (left > 0) {
        left -= 1
        const head = await connection.ask(requestText(task))
        if (!head.startsWith(`HTTP/1.1 ${task.status} `))
          throw new Error(`Expected ${task.status}, got:\n${head}`)
        if (task.says !== undefined && !head.includes(task.says))
          throw new Error(`Expected "${task.says}", got:\n${head}`)
        tag = /\r\netag: *(.+)/i.exec(head)?.[1] ?? ''
      }
    }),
  )
  return tag
}

process.on('message', (task: Task) => void run(task).then((tag) => process.send?.(tag)))
process.on('disconnect', () => process.exit())
await Promise.all(connections.map((connection) => connection.open()))
process.send?.('ready')
