import type { HttpResponseInit } from '@azure/functions';
import type { Refusal } from '../../shared/domain/errors.ts';
import { errorPage } from '../../shared/pages/message-page.ts';
import { securityHeaders } from '../../shared/pages/security-headers.ts';
import { retryHeaders, statusOf } from './problem.ts';

export function page(status: number, html: string): HttpResponseInit {
  return { status, body: html, headers: { 'content-type': 'text/html; charset=utf-8', ...securityHeaders() } };
}

export function refuseAsPage(refusal: Refusal): HttpResponseInit {
  const { headers, ...answer } = page(statusOf[refusal.code], errorPage({ refusal }));
  return { ...answer, headers: { ...headers, ...retryHeaders(refusal) } };
}
