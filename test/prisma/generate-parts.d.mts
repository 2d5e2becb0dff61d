/** For processes that generate a Prisma client. */
export const env: Readonly<Record<string, string | undefined>>
