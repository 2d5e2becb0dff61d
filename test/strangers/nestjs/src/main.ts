import { strict as assert } from 'node:assert'
import { NestFactory } from '@nestjs/core'
import { AppModule, Books, sluice } from './app'

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: false })
  await app.get(Books).seed()
  const found: string[] = []
  sluice.on('finding', ({ code, callSite }) => found.push(`${code} ${callSite?.file}`))
  await app.listen(0, '127.0.0.1')
  const response = await fetch(`${await app.getUrl()}/books`)
  assert.equal(((await response.json()) as unknown[]).length, 10)
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^N_PLUS_ONE .*app\.[jt]s$/)
  await app.close()
}

void main()
