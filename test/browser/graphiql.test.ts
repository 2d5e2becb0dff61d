import { expect, it } from 'vitest'
import { startDemo } from '../../examples/atlas/test/start-demo.ts'
import { TEST_MS } from '../support/patience.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

const QUERY = '{ country(code: "FR") { name regions { name } } }'

describeInBrowser('GraphiQL in the demo', () => {
  const open = useBrowser()

  it('runs a query and sends requests only to the demo', { timeout: TEST_MS }, async () => {
    const { origin } = await startDemo('--no-visitors')
    const { page, context, complaints } = await open()
    const asked: string[] = []
    context.on('request', (request) => asked.push(request.url()))
    await page.goto(`${origin}/graphql?query=${encodeURIComponent(QUERY)}`)
    const run = page.getByRole('button', { name: /^Execute query/ })
    await run.waitFor()
    await page.locator('.graphiql-query-editor .view-line').getByText('country').first().waitFor()
    const answered = page.waitForResponse(
      (response) => response.request().postData()?.includes('FR') === true,
    )
    await run.click()
    const { data } = (await (await answered).json()) as {
      readonly data: { readonly country: { readonly name: string } }
    }
    expect(data.country.name).toBe('France')
    await page.locator('.result-window').getByText('France').first().waitFor()
    expect(asked.filter((url) => url.startsWith('http') && !url.startsWith(`${origin}/`))).toEqual([])
    // The requests are the schema and the query.
    expect(asked.filter((url) => new URL(url).pathname === '/graphql').length).toBeGreaterThan(2)
    expect(complaints).toEqual([])
  })
})
