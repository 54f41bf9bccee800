package lab

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// restartLab answers, and ends the lab so that a successor takes its place: with another epoch, and with the settings
// that are in force now.
func (l *Lab) restartLab(c *gin.Context) {
	c.JSON(http.StatusAccepted, gin.H{"epoch": l.Feed.Head().Epoch})
	l.restart(ErrRestart)
}
