import { Controller, Get, Header } from '@nestjs/common';
import { CurrentSession, CurrentUser, OptionalAuth, type Claims, type Session } from 'nest-oidc';
import { dashboardPage } from './dashboard.page.js';
import { homePage } from './home.page.js';

const HTML = 'text/html; charset=utf-8';

@Controller()
export class PagesController {
  @Get()
  @OptionalAuth()
  @Header('Content-Type', HTML)
  home(@CurrentUser() user: Claims | undefined): string {
    return homePage(user);
  }

  @Get('dashboard')
  @Header('Content-Type', HTML)
  dashboard(@CurrentSession() session: Session): string {
    return dashboardPage(session, Date.now());
  }
}
