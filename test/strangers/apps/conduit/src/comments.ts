import { Router } from 'express'
import { HttpError, required, userOf, viewerOf } from './auth'
import { prisma } from './database'
import { profileFields, profileOf } from './profiles'

const commentFields = (viewer: number | undefined) => ({
  id: true,
  body: true,
  createdAt: true,
  updatedAt: true,
  author: { select: profileFields(viewer) },
})

export const comments = Router()

comments.get('/articles/:slug/comments', async (request, response) => {
  const { slug } = request.params
  const article = await prisma.article.findUnique({
    where: { slug },
    select: { comments: { orderBy: { id: 'asc' }, select: commentFields(viewerOf(request)) } },
  })
  if (article === null) throw new HttpError(404)
  response.json({
    comments: article.comments.map(({ author, ...comment }) => ({ ...comment, author: profileOf(author) })),
  })
})

comments.post('/articles/:slug/comments', async (request, response) => {
  const user = userOf(request)
  const { slug } = request.params
  const body = required(request.body?.comment, 'body')
  const article = await prisma.article.findUnique({ where: { slug }, select: { id: true } })
  if (article === null) throw new HttpError(404)
  const { author, ...comment } = await prisma.comment.create({
    data: { body, articleId: article.id, authorId: user },
    select: commentFields(user),
  })
  response.json({ comment: { ...comment, author: profileOf(author) } })
})

comments.delete('/articles/:slug/comments/:id', async (request, response) => {
  const user = userOf(request)
  const { slug, id } = request.params
  const comment = await prisma.comment.findFirst({
    where: { id: Number(id), article: { slug } },
    select: { authorId: true },
  })
  if (comment === null) throw new HttpError(404)
  if (comment.authorId !== user) throw new HttpError(403, { comment: ['is by another author'] })
  await prisma.comment.delete({ where: { id: Number(id) } })
  response.sendStatus(204)
})
