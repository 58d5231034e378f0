package api

import "github.com/gin-gonic/gin"

func (a *API) mountPages(gin.IRouter) {}
