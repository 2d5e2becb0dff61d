import type { ServerResponse } from 'node:http'
import { sendText } from './send-text.ts'

/** @param encodings - `Accept-Encoding`. */
export async function sendJson(response: ServerResponse, status: number, value: unknown, encodings: unknown = ''): Promise<void> {
  await sendText(response, { status, type: 'application/json; charset=utf-8', text: JSON.stringify(value ?? null), encodings })
}
