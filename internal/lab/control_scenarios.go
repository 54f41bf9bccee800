package lab

import (
	"net/http"

	"fourwires/internal/scenario"

	"github.com/gin-gonic/gin"
)

// showScenarios answers with the six scenarios, which the page plays.
func showScenarios(c *gin.Context) { c.JSON(http.StatusOK, scenario.All) }
