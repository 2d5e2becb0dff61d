// The phrases that the project's prose does without, each with what to write instead, and where they are
// found in a text. voice-ignore-file: this file quotes the phrases that it searches for.
const END = String.raw`(?=\s*(?:[.,;:!?)\]|]|$))`
const START = String.raw`(?:^|(?<=[.;:!?]\s)|(?<=[.;:!?]\*\*\s)|(?<=\*\*))`
const BE = '(?:is|are|was|were|be|been|being)'
const SERVER = String.raw`(?:the\s+(?:database|primary|replica|store|server|planner|cache|node|source|catalog(?:ue)?|backend)|Redis|PostgreSQL|MySQL|MariaDB|SQLite)`

/** `id`, pattern, replacement, a text that must match, a text that must not. */
// biome-ignore format: a rule is a row
const RULES = [
  // One term per concept.
  ['prefetch', String.raw`\bask(?:s|ed|ing)?\s+(?:for\s+\w+\s+)?ahead\b|\banswered\s+ahead\b`, 'prefetch', 'Loops are asked ahead.', 'Sluice prefetches the rows.'],
  ['in-flight', String.raw`\bunder\s?way\b`, 'in flight (requests, writes) · running (jobs) · in progress', 'A write is under way.', 'A write is in flight.'],
  ['distinguish', String.raw`\b(?:tells?|telling|told)\s+(?:[\w'’]+\s+){0,6}?apart\b|\b(?:not|be|are|is)\s+told\s+from\b`, 'distinguish', 'Rows are told apart by keys.', 'He told the app.'],
  ['determine', String.raw`\b(?:cannot|can|could|may|might)\s+(?:not\s+)?be\s+told\b(?!\s+of\b)`, 'determine, infer', 'Its tables cannot be told.', 'It cannot be determined.'],
  ['notify', String.raw`\b(?:is|are|was|were|be|been|being|gets?|not|never|once)\s+told\b(?!\s+to\b)`, 'notify, report, receive', 'Others are told of the write.', 'The listener receives the event.'],
  ['report', String.raw`\btells?\s+(?:of|what|which|how|where|why|when|who|whether|nothing|nobody)\b|\btell\s+of\b`, 'report, show, list, identify', 'It tells which indexes are missing.', 'Tell Sluice about the write.'],
  ['specify', String.raw`\bsays?\s+(?:so|of|nothing|which|what|how|who|whether|why|where|otherwise|when)\b|\bsaid\s+of\b`, 'specify, set, describe, list', '`x` says how many may fail.', 'Set the limit.'],
  ['cached', String.raw`\b(?:what|is|are|was|were|be|not|never)\s+(?:still\s+)?kept\b(?!\s+(?:in\s+sync|up\b|alive|open|out|apart|from|to|with|as|waiting|short|small))|\bkept\s+(?:responses?|results?|values?|answers?|entr(?:y|ies)|reads?|rows?|ones?)\b|\bkeeps?\s+(?:no\s+)?(?:results?|responses?)\b`, 'cache (results) · store (jobs) · retain (logs, metrics)', 'The result is not kept.', 'The list is kept in sync.'],
  ['invalidate', String.raw`\bdrops?\s+(?:what|everything|whatever|results?|every|the\s+(?:result|whole|other|second|cached))\b|\bdropped\s+from\s+the\s+cache\b`, 'invalidate', 'A write drops what depends on it.', 'The server drops the connection.'],
  ['evict', String.raw`\bwho\s+leaves\b|\b(?:oldest|longest|unseen|first|least\s+time)\s+(?:leaves?|goes?)(?:\s+first)?\b${END}|\bleaves?\s+first\b`, 'evict', 'Who leaves when maxBytes is reached', 'The client leaves the queue.'],
  ['modify', String.raw`\b(?:writes?|statements?|operations?)\s+touch(?:es|ed)?\b|\buntil\s+a\s+write\s+touches\b`, 'modify (a write) · read (a query)', 'until a write touches what they came from', 'Do not touch the file.'],
  ['serve', String.raw`\b(?:answered|given)\s+(?:from|by)\s+(?:memory|the\s+cache|the\s+store|what|another|others?|a\s+kept|it)\b|\banswers?\s+from\s+memory\b`, 'serve from', 'It is answered from memory.', 'It is served from memory.'],
  ['query', String.raw`\bask(?:s|ed|ing)?\s+(?:of\s+)?${SERVER}\b(?!\s+to\b)`, 'query (a database) · call (a server)', 'It asks the database again.', 'It queries the database.'],
  ['queried', String.raw`\b(?:database|primary|replica|store|server|planner|redis|postgresql|source|replicas|nodes?)\s+(?:is|are|was|were)\s+(?:never\s+|not\s+|then\s+|first\s+)?asked\b`, 'queried, called', 'The planner is asked.', 'The user is asked.'],
  ['asked-of', String.raw`\basked\s+of\b|\bask(?:s|ed|ing)?\s+(?:once|singly|anew|alone)\b|\basked\s+bare\b`, 'sent to, run once, refetched, run individually', 'The read is asked of another one.', 'You asked for it.'],
  ['call-site', String.raw`\bplaces?\s+in\s+(?:the|its|their|your)\s+code\b|\bwith\s+(?:its|their|the)\s+places?\b`, 'call site', 'each with its place in the code', 'in place'],
  ['without-sluice', String.raw`\bbare\b(?!-metal|\s+(?:metal|repo|minimum|columns?|words?|names?|keys?|terms?|numbers?|server|¤))`, 'without Sluice · unmodified · passed through · plain', 'The query runs bare.', 'bare metal'],
  ['sequential', String.raw`\bin\s+turn\b|\bone\s+after\s+(?:the\s+other|another)\b|\bby\s+turns\b`, 'sequentially, one at a time, alternately', 'lookups in turn', 'turn it off'],
  ['at-once', String.raw`\bat\s+once\b`, 'immediately · concurrently · in one batch (it is ambiguous)', 'It is noticed at once.', 'once at a time'],
  ['individually', String.raw`\bsingly\b`, 'individually, one at a time', 'They are asked singly.', 'a singly linked list'.replace('singly', 'doubly')],
  ['eager-load', String.raw`\b(?:came|comes?|coming|takes?|taken|brings?|brought)\s+(?:\w+\s+){0,3}?along\b(?!\s+with\s+(?:the|a)\s+(?:request|feed)|\s+the\b)`, 'eager-load, include', 'rows that came along with others', 'along the way'],
  ['unchanged', String.raw`\b(?<!\bnothing\s)as\s+(?:it|they)\s+(?:is|are|was|were|came|comes)\b${END}`, 'unchanged, unmodified', 'Results stay as they are.', 'as they are sent to the client'],
  ['pass-through', String.raw`\b(?:leaves?|left|leaving)\s+(?:(?:it|them|this|that|what\s+\w+)\s+)?alone\b`, 'pass through unchanged, skip', 'Its query is left alone.', 'It runs alone.'],
  ['omit', String.raw`\b(?:leaves?|left|leaving)\s+(?:(?:it|them|this|that|these)\s+)?out\b(?!-)`, 'omit, exclude, skip · "Default:" for options', 'Left out: DATABASE_URL', 'the left outer join'],
  ['default', String.raw`\bunless\s+(?:it\s+is\s+|they\s+are\s+)?given\b|\b(?:if|where)\s+(?:it\s+is\s+)?not\s+given\b|\bunless\s+\S+\s+says\s+otherwise\b`, 'default: …; by default', 'at most 1,000 unless given', 'unless you set it'],
  ['bypass', String.raw`\bpast\s+(?:Sluice|this\s+cache|the\s+cache|any\s+pooler|the\s+pooler|the\s+proxy)\b`, 'bypass; without going through', 'writes past this cache', 'past the limit'],
  ['heard', String.raw`\b(?:hears?|heard|hearing)\b`, 'receive, be notified of; heartbeat (for liveness)', 'a worker that is not heard of', 'a heart beat'],
  ['lost', String.raw`\b(?:is|are)\s+lost\s+with\b|\bRedis\s+is\s+(?:lost|away)\b`, 'fails; is unavailable', 'No read is lost with a replica.', 'data is lost'],
  ['finished', String.raw`\b${BE}\s+over\b(?!\s+(?:(?:the|its|their|a|an|his|her|any|all|this|that|budget|TLS|HTTPS?|Redis|one|two|half|six|limit)\b|\d|¤|"))`, 'finish, complete, expire, end', 'Tasks that are over are deleted.', 'It is over its budget.'],
  ['based-on', String.raw`\b(?:go|goes|went|going)\s+by\s+(?!default|name\b|hand\b|itself|themselves)`, 'use, follow, be based on', 'Leases go by the clock of Redis.', 'as time goes by'],
  ['continue', String.raw`\b(?:go|goes|went|gone)\s+on\b(?!\s+(?:the|a|an|to)\b)`, 'continue, keep running, proceed', 'The app goes on.', 'It goes on the next line.'],
  ['treat-as', String.raw`\btaken\s+for\b(?!\s+(?:it|this|that|each|a\s+while|them)\b)|\b(?:takes?|took)\s+(?:(?:no|a|an|the|it|them|this|one)\s+)?(?:[\w-]+\s+)?for\s+(?:down|hung|told|granted|absent|lost|equal|an?\s+(?:outage|failure|loss|write|trigger))\b`, 'treat as, consider', 'The node is taken for hung.', 'taken from'],
  ['return', String.raw`\bgiven\s+(?:back|out)\b|\b(?:gives?|gave)\s+(?:it\s+|them\s+)?back\b|\b(?:hand|hands|handed|handing)\s+(?:(?:it|them)\s+)?(?:out|on|back|over)\b`, 'return, release, pass', 'It is handed out again.', 'a handout'],
  ['outcome', String.raw`\b(?:become|becomes|became|come|comes|came)\s+of\b(?!\s+age)`, 'outcome, result; what happens to', 'what becomes of a task', 'because of'],
  ['randomly', String.raw`\bby\s+chance\b`, 'randomly, at random', 'Two nodes by chance', 'a chance'],
  ['intended', String.raw`\bmeant\s+so\b`, 'intentional', 'known and meant so', 'meant to'],
  ['maintenance', String.raw`\bupkeep\b`, 'maintenance', 'and upkeep', 'maintenance'],
  ['fix', String.raw`\bmends?\b|\brepairs?\b`, 'fix', 'what a repair would save', 'a fix'],
  ['string', String.raw`\btexts\b|\ba\s+text\b(?!\s+(?:field|column|editor|input|node|box|area|search|file|index|value|format))`, 'string; SQL text → statement', 'texts of more than 1,000 characters', 'a text column'],
  ['additional', String.raw`\bfurther\s+(?!back|ahead|down|up|along|than|behind|on\b|reading|apart|away|details)[a-z]+s\b`, 'additional, other', 'with further filters', 'further than'],
  ['located', String.raw`\b(?:lies|lie|lay)\s+(?:in|at|on|within|beside|outside|below|no\s+further|there)\b`, 'be in, be stored in', 'Tasks lie in tables.', 'he lied'],
  ['background', String.raw`\bbeside\b(?!\s+(?:the\s+)?(?:bar|chart|label|name|button|number))`, 'in the background · next to · in addition to · compared with', 'It is refreshed beside.', 'besides'],
  ['deterministic', String.raw`\bleaves?\s+(?:no|a)\s+doubt\b|\border\s+(?:\w+\s+){0,3}?settle[sd]?\b|\bunspecified\s+order\b`, 'deterministic order, total order', 'if the order leaves no doubt', 'settle the bill'],
  ['hand-off', String.raw`\bgets?\s+nothing\b|\bgiven\s+nothing\b|\b(?:has|have)\s+room\b`, 'receives no requests; has capacity', 'The node gets nothing for 30 s.', 'nothing to do'],

  // Name the actor; no pronoun without a noun nearby.
  ['actor', String.raw`\b(?:whoever|whomever|nobody|somebody|everybody|no\s+one|someone)\b`, 'name the actor: the caller, the client, another process, your app', 'whoever sends COMMIT', 'the caller'],
  ['any', String.raw`\b(?:in|by|of|from|on|for)?\s?\b(?:whichever|whatever)\b`, 'any; regardless of', 'in whichever process', 'which process'],
  ['pronoun-he', String.raw`\b(?:he|his|him|himself)\b`, 'they, or the noun', 'one that he was not given', 'the'],
  ['stranded', String.raw`\b(?:is|are|was|were|be|been|not|never|nothing)\s+(?:waited|looked|spoken|thought)\s+(?:for|of|at)\b`, 'name who waits or looks', 'It is not waited for.', 'It waits for the lock.'],
  ['who-clause', String.raw`${START}Who\s+(?=[a-z])`, 'name the actor: "A client that …"', 'Who reads from one does not see the other.', 'Who is it?', 'statement'],
  ['another-one', String.raw`\b(?:another|the\s+other)\s+one\b(?!\s+of)`, 'repeat the noun', 'It is sent to another one.', 'another node'],

  // Word order and grammar.
  ['what-clause', String.raw`${START}What\s+(?!if\b|about\b)(?=[a-z¤])`, 'start with the noun: "Cached results …", "The tables …"', 'What is over is deleted.', 'What is an N+1?', 'statement'],
  ['what-object', String.raw`\b(?:of|by|for|from|with|and|but|or|in|on|as|than|to|until|before|after)\s+what\s+(?:is|was|are|were|it|they|the|others|came|comes|its|this|that|each|no|may|must)\b(?!\s+(?:you|extent))`, 'name the thing', 'It is dropped with what it holds, and what is left is kept.', 'the reason for what', undefined],
  ['where-clause', String.raw`${START}Where\s+(?=[A-Za-z¤][^.?!|]{0,200},)`, 'If / When (use "where" for locations)', 'Where Redis is lost, reads go to the database.', 'Where is it?', 'statement'],
  ['of-first', String.raw`${START}Of\s+(?!course)(?=[A-Za-z¤])`, 'start with the subject; "Options of …"', 'Of a metric and a source one alert is open.', 'Of course it is.'],
  ['is-no', String.raw`(?<!\bthere\s)(?<!\bThere\s)(?<!\bit\s)\b(?:is|are|was|were|be)\s+no\s+(?!longer\b|more\b|less\b|fewer\b|such\b|doubt\b|matter\b|different\b|better\b|worse\b|other\b|need\b|way\b|point\b|one\b|use\b)(?=[a-z¤])`, 'is not a', 'texts that are no keys', 'There is no key.'],
  ['is-none', String.raw`(?<!\bthere\s)(?<!\bThere\s)\b(?:that|which|what|it|they|options|file)\s+(?:is|are|was|were)\s+none\b(?!\s+of)`, 'is not a valid …; does not exist', 'refuses options that are none', 'there is none'],
  ['other-than', String.raw`\banother\s+(?:[\w-]+\s+){0,3}than\b|\bother\s+(?:[\w-]+\s+){1,2}than\s+(?:the|it|its|this|these|those)\b`, 'a different … from', 'another Sluice than the client', 'other than that'],
  ['that-there-are', String.raw`\b(?:that|which|those|as)\s+there\s+(?:is|are|was|were)\b${END}|\b(?:that|which|what)\s+(?:is|are|was|were)\s+there\b`, 'existing, registered, installed, available', 'It lists those that there are.', 'there are three'],
  ['there-are-list', String.raw`\bThere\s+(?:is|are):`, '"Known queues: …", "Registered metrics: …"', 'There are: a, b.', 'There are two.'],
  ['of-its-own', String.raw`\bof\s+(?:its|their|your|our|my|one's|one’s|(?:the\s+)?[\w-]+['’]s)\s+own\b(?=\s*(?:[.,;:!?)(\]|]|$|¤|\b(?:and|or|but|for|in|on|at|by|with|without|to|that|which|who|whose|is|are|was|were|has|have|had|may|can|must|as|from|beside|until|while|when|where|so|than|before|after|it|they|he|because|since|if|does|do|goes|lies)\b))`, 'its own …, a separate …, custom', 'a connection of its own', 'the result of its own query'],
  ['double-genitive', String.raw`\b(?:of|by)\s+(?:Sluice|Prisma|Knex|Node|Redis|BullMQ|Express|Fastify|PostgreSQL|MySQL|Next\.js)['’]s(?=\s*(?:[.,;:)|]|$|and\b|or\b))|\bof\s+ours\b`, 'drop the second genitive', 'a fault of Prisma’s.', 'of Prisma'],
  ['knex-apostrophe', String.raw`(?<!['\"])\bKnex['’](?!s)(?=\s+[a-z])`, 'Knex’s', "Knex' lookups", 'Knex builders'],
  ['is-to-be', String.raw`\b(?:is|are|was|were)\s+to\s+be\b`, 'must, will, should', 'how many workers there are to be', 'has to be'],
  ['need-not', String.raw`\bneed\s+not\b`, 'does not need to', 'it need not be', 'needs no'],
  ['but-for', String.raw`\b(?:but|save)\s+for\b`, 'except for', 'All but for the first', 'but four'],
  ['else', String.raw`[,;:]\s+else\s+(?!if\b)`, 'otherwise', 'An argument, else the variable', 'or else it'],
  ['in-place-of', String.raw`\bin\s+(?:the\s+)?place\s+of\b|\bstands?\s+in\s+for\b|\bstands?\s+in${END}`, 'instead of, replaces, is used as a fallback', 'in place of the option', 'in place'],
  ['appears', String.raw`\bstand(?:s|ing)?\s+(?:in|behind|before|beside|on)\s+(?!for\b)`, 'appear in, be in, follow, precede', 'what stands in a subquery', 'it stands for any run'],
  ['by-itself', String.raw`\bby\s+(?:itself|themselves)\b`, 'automatically · on its own · alone', 'It is recorded by itself.', 'by the app'],
  ['made', String.raw`(?<!\b(?:requests?|calls?|retries|changes?|attempts?|decisions?|forecasts?|copy|copies|progress|steps?|checks?)\b[\w\s]{0,24})\b(?:is|are|was|were|be|been)\s+made\b(?!\s+(?:of|up|from|by|for|available|to|with)\b)`, 'create, build, generate', 'The file is made if there is none.', 'Requests are made.'],
  ['any-more', String.raw`\bany\s+more\b${END}`, 'no longer', 'It is not used any more.', 'any more rows'],
  ['at-the-most', String.raw`\bat\s+the\s+(?:most|least)\b(?!\s+(?:recent|\w+ing\b))|\bat\s+the\s+latest${END}`, 'at most, at least, no later than', '500 at the most', 'at most'],
  ['question-order', String.raw`\b(?:how\s+often|how\s+long|how\s+far)\s+\w+\s+(?:took|has|is)\s+how\b`, 'two sentences', 'How often something took how long', 'how long it took'],

  // Idioms that are not American technical English.
  ['anew', String.raw`\banew\b`, 'again, re-', 'It is asked anew.', 'a new one'],
  ['idiom-same', String.raw`(?<!\b(?:not|are|were|is)\s)\ball\s+the\s+same\b|\bas\s+ever\b`, 'anyway, still, as usual', 'It works all the same.', 'all the same rows'.replace('all the', 'all of the')],
  ['idiom-rule', String.raw`\bas\s+a\s+rule\b(?!\s+of)|\bin\s+the\s+mean\b(?!\s?time)|\bnow\s+and\s+then\b|\bin\s+one\s+go\b|\bthe\s+other\s+way\s+round\b`, 'usually · on average · periodically · in one batch', 'as a rule within milliseconds', 'as a result'],
  ['idiom-good', String.raw`\b(?:failed|fails|fail|dead|gone|discard\w*|ends?)\s+(?:\w+\s+){0,3}?for\s+good\b|\bfor\s+ever\b`, 'permanently, forever', 'What failed for good', 'a good run'],
  ['like', String.raw`\band\s+(?:their|its)\s+like\b`, 'and similar', 'headers and their like', 'and the like'],
  ['outline', String.raw`\bin\s+outline\b`, 'summarized', 'both results in outline', 'an outline'],
  ['some-number', String.raw`\bsome\s+\d`, 'about', 'some 75 KB', 'some rows'],
  ['fraction', String.raw`\b(?:a|one|two|three|four|nine)\s+(?:tenth|fifth|quarter|third|twentieth|hundredth)s?\s+(?:of|more|less)\b|\b(?:nine|nineteen)\s+(?:times\s+)?(?:out\s+)?of\s+(?:ten|twenty)\b`, 'a percentage with its base', 'a quarter of its rows', 'a third argument'],
  ['british', String.raw`\b(?:colou?r(?<=our)s?|coloured|colouring|behaviours?|catalogues?|licen[c]es?|optimis\w+|initialis\w+|normalis\w+|serialis\w+|recognis\w+|favou?r(?<=our)\w*|centres?|analys(?:e|ed|es|ing|er)|learnt|misspelt|whilst|amongst|artefacts?|grey)\b`, 'American spelling: color, behavior, catalog, license, optimize, analyze, learned', 'the catalogue', 'the catalog'],
  ['hyphen', String.raw`\btime-outs?\b|\bplug-ins?\b|\bset-ups?\b|\bback-off\b|\bstart-up\s+time\b`, 'timeout, plugin, setup, backoff, startup', 'a time-out', 'a timeout'],

  // Errors, tables and test names.
  ['table-head-what', String.raw`^\s*what\s*$`, 'Description', 'what', 'Description', 'cell'],
  ['long-sentence', '$^', 'at most 40 words: split it', `It is a sentence ${'that goes farther and '.repeat(12)}ends.`, 'It is short.'],
  ['exit-code', String.raw`\b(?:ends?|exits?)\s+with\s+\d+\b`, 'exits with code N', 'ends with 3 where there is no database', 'exits with code 3'],
  ['test-too-short', String.raw`^(?!.*(?:%|¤))(?:\S+\s+)?\S+$`, 'say the condition and the result', 'end once', 'retries a failed task', 'test'],
  ['commit-type', String.raw`^(?!(?:feat|fix|docs|test|perf|refactor|build|ci|chore|revert|style)(?:\([\w,./-]+\))?!?:\s)`, 'Conventional Commits: type(scope): summary', 'Add x', 'feat: add x', 'commit'],
  ['commit-length', '^.{73,}$', 'at most 72 characters; the reason goes into the body', 'x'.repeat(73), 'x', 'commit'],
]

/**
 * A rule for one kind of prose (`cell`, `test`, `commit`), or for statements: sentences that are no
 * questions.
 */
export const KIND_ONLY = new Set(['cell', 'test', 'commit'])
export const rules = RULES.map(([id, source, to, bad, good, only]) => ({
  id,
  re: new RegExp(source, only === 'test' || only === 'commit' || isCased(id) ? 'g' : 'gi'),
  to,
  bad,
  good,
  only,
}))

function isCased(id) {
  return [
    'what-clause',
    'where-clause',
    'of-first',
    'who-clause',
    'there-are-list',
    'test-too-short',
  ].includes(id)
}

function isStatementAt(text, index) {
  const rest = text.slice(index + 1)
  const end = /[.?!](?=\s|$)/.exec(rest)
  return end === null || end[0] !== '?'
}

const MAX_WORDS = 40

/** Sentences of more than 40 words. Code counts as one word. */
function longSentences(unit, rule) {
  const found = []
  for (const match of unit.text.matchAll(/[^.!?]+(?:[.!?](?!\s|$)[^.!?]*)*[.!?]?/g)) {
    const words = (match[0].match(/[\w¤][\w¤'’-]*/g) ?? []).length
    if (words <= MAX_WORDS) continue
    const from = match.index + (match[0].length - match[0].trimStart().length)
    found.push({
      from,
      to: from,
      rule,
      phrase: `${match[0].trim().slice(0, 50)}… (${words} words)`,
      line: unit.lines[Math.min(from, unit.lines.length - 1)],
      kind: unit.kind,
      around: match[0].trim(),
    })
  }
  return found
}

/** The hits of a unit: of hits that overlap, that of the first rule. */
export function hitsOf(unit, chosen) {
  const hits = []
  for (const rule of chosen) {
    if (KIND_ONLY.has(rule.only) && rule.only !== unit.kind) continue
    if (unit.kind === 'commit' && rule.only !== 'commit' && ['what-clause', 'where-clause'].includes(rule.id))
      continue
    if (rule.id === 'long-sentence') {
      if (unit.kind !== 'test' && unit.kind !== 'commit') hits.push(...longSentences(unit, rule))
      continue
    }
    for (const match of unit.text.matchAll(rule.re)) {
      const from = match.index
      const to = from + Math.max(1, match[0].length)
      if (
        rule.only === 'statement' &&
        (!isStatementAt(unit.text, from) ||
          (unit.kind === 'cell' && unit.text.trim().split(/\s+/).length <= 3))
      )
        continue
      if (rule.only === undefined || rule.only === 'statement') {
        if (hits.some((hit) => from < hit.to && hit.from < to)) continue
      }
      hits.push({
        from,
        to,
        rule,
        phrase: match[0].trim() === '' ? unit.text.slice(from, from + 60) : match[0].trim(),
        line: unit.lines[Math.min(from, unit.lines.length - 1)],
        kind: unit.kind,
        around: unit.text.slice(Math.max(0, from - 70), to + 70),
      })
    }
  }
  return hits.sort((left, right) => left.from - right.from)
}
